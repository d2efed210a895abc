// One Redis pod as a person writes it.

import type { V1Pod } from '@kubernetes/client-node';
import { AGENT_CONTAINER } from '../../src/names.ts';
import { REDIS } from './manifest.ts';

export type PodOptions = {
  readonly app?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly command?: string[];
};

export function podBody(name: string, options: PodOptions = {}): V1Pod {
  const { app = 'redis', labels = {}, command } = options;
  return {
    metadata: { name, labels: { app, ...labels } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'redis',
          image: REDIS.image,
          imagePullPolicy: 'IfNotPresent',
          ...(command === undefined ? {} : { command }),
        },
      ],
    },
  };
}

export function hasAgent(pod: V1Pod): boolean {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return containers.some(({ name }) => name === AGENT_CONTAINER);
}
