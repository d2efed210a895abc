// The options of each command: one table each for the parser, --help and the docs.

import { AGENT_RESOURCE_OPTIONS, INJECTION_OPTIONS } from '../src/injection-options.ts';
import type { OptionTable } from '../src/options.ts';
import { VERSION } from '../src/version.ts';

const FILE = {
  file: {
    flag: 'filename',
    env: '',
    kind: 'string',
    required: true,
    text: 'file with YAML or JSON, - for standard input; short: -f',
  },
} as const satisfies OptionTable;

const NAMESPACE = {
  namespace: {
    flag: 'namespace',
    env: '',
    kind: 'string',
    fallback: 'default',
    text: 'namespace of objects that name none; short: -n',
  },
} as const satisfies OptionTable;

const DIFF = {
  diff: {
    flag: 'diff',
    env: '',
    kind: 'boolean',
    fallback: 'false',
    text: 'write a unified diff instead of the changed manifest',
  },
} as const satisfies OptionTable;

const OUTPUT = {
  output: {
    flag: 'output',
    env: '',
    kind: 'choice',
    choices: ['table', 'json'],
    fallback: 'table',
    text: 'how the result is written; short: -o',
  },
} as const satisfies OptionTable;

/** As the webhook has them, so that the same pod comes out. */
const INJECTION = {
  agentImage: {
    ...INJECTION_OPTIONS.agentImage,
    fallback: `redis-orchestrator/agent:${VERSION}`,
    // Given, it must not be empty.
    required: true,
  },
  imagePullPolicy: INJECTION_OPTIONS.imagePullPolicy,
  nativeSidecar: {
    flag: 'native-sidecar',
    env: 'RO_NATIVE_SIDECAR',
    kind: 'choice',
    choices: ['true', 'false'],
    fallback: 'true',
    text: 'inject the agent as a native sidecar; false where a kubelet is older than 1.29',
  },
  selector: INJECTION_OPTIONS.selector,
  excludedNamespaces: INJECTION_OPTIONS.excludedNamespaces,
  systemNamespace: {
    flag: 'system-namespace',
    env: '',
    kind: 'string',
    fallback: 'redis-orchestrator-system',
    text: 'namespace of the webhook',
  },
  ...AGENT_RESOURCE_OPTIONS,
} as const satisfies OptionTable;

export const INJECT_OPTIONS = { ...FILE, ...DIFF, ...NAMESPACE, ...INJECTION } as const;
export const UNINJECT_OPTIONS = { ...FILE, ...DIFF } as const;
export const EXPLAIN_OPTIONS = { ...FILE, ...OUTPUT, ...NAMESPACE, ...INJECTION } as const;
export const CHECK_OPTIONS = { ...FILE, ...OUTPUT, ...NAMESPACE, ...INJECTION } as const;
