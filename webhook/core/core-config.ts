// The options of an installation as the core takes them: the same for the webhook and the command line.

import { splitList } from '../../src/injection-options.ts';
import { VERSION } from '../../src/version.ts';
import type { CoreConfig } from './plan.ts';

export type InjectionValues = {
  readonly agentImage: string;
  readonly imagePullPolicy: string;
  readonly selector: string;
  readonly excludedNamespaces: string;
  readonly cpuRequest: string;
  readonly cpuLimit: string;
  readonly memoryRequest: string;
  readonly memoryLimit: string;
};

export function coreConfig(
  values: InjectionValues,
  ownNamespace: string,
  nativeSidecar: boolean,
): CoreConfig {
  return {
    agentImage: values.agentImage,
    imagePullPolicy: values.imagePullPolicy,
    nativeSidecar,
    selector: splitList(values.selector, ';').map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)] as const;
    }),
    excludedNamespaces: new Set(splitList(values.excludedNamespaces, ',')),
    ownNamespace,
    version: VERSION,
    resources: {
      cpuRequest: values.cpuRequest,
      cpuLimit: values.cpuLimit,
      memoryRequest: values.memoryRequest,
      memoryLimit: values.memoryLimit,
    },
  };
}
