// The options that commands share; options.ts has the table of each.

import { AGENT_RESOURCE_OPTIONS, INJECTION_OPTIONS } from '../src/injection-options.ts';
import type { OptionTable } from '../src/options.ts';
import { VERSION } from '../src/version.ts';

export const FILE = {
  file: {
    flag: 'filename',
    env: '',
    kind: 'string',
    required: true,
    text: 'file with YAML or JSON, - for standard input; short: -f',
  },
} as const satisfies OptionTable;

/** Of a command that looks into the cluster where no file is named. */
export const MAYBE_FILE = {
  file: {
    flag: 'filename',
    env: '',
    kind: 'string',
    text: 'file with YAML or JSON in place of the cluster, - for standard input; short: -f',
  },
} as const satisfies OptionTable;

export const NAMESPACE = {
  namespace: {
    flag: 'namespace',
    env: '',
    kind: 'string',
    fallback: 'default',
    text: 'namespace of objects that name none; short: -n',
  },
} as const satisfies OptionTable;

export const CLUSTER = {
  namespace: {
    flag: 'namespace',
    env: '',
    kind: 'string',
    text: 'namespace (default: that of the context; in a file: default); short: -n',
  },
  context: { flag: 'context', env: '', kind: 'string', text: 'context of the kubeconfig' },
  kubeconfig: {
    flag: 'kubeconfig',
    env: '',
    kind: 'string',
    text: 'kubeconfig (default: KUBECONFIG, ~/.kube/config, or the service account of a pod)',
  },
  timeout: {
    flag: 'timeout',
    env: '',
    kind: 'duration',
    fallback: '10s',
    min: 100,
    text: 'how long each request may take',
  },
} as const satisfies OptionTable;

export const COLOR = {
  color: {
    flag: 'color',
    env: '',
    kind: 'choice',
    choices: ['auto', 'always', 'never'],
    fallback: 'auto',
    text: 'colours; auto: on a terminal, unless NO_COLOR is set',
  },
} as const satisfies OptionTable;

export const DIFF = {
  diff: {
    flag: 'diff',
    env: '',
    kind: 'boolean',
    fallback: 'false',
    text: 'write a unified diff instead of the changed manifest',
  },
} as const satisfies OptionTable;

export const OUTPUT = {
  output: {
    flag: 'output',
    env: '',
    kind: 'choice',
    choices: ['table', 'json'],
    fallback: 'table',
    text: 'how the result is written; short: -o',
  },
} as const satisfies OptionTable;

export const DATA_OUTPUT = {
  output: { ...OUTPUT.output, choices: ['table', 'json', 'yaml'] },
} as const satisfies OptionTable;

export const WATCH = {
  watch: {
    flag: 'watch',
    env: '',
    kind: 'boolean',
    fallback: 'false',
    text: 'go on until Ctrl-C; short: -w',
  },
} as const satisfies OptionTable;

export const VERBOSE = {
  verbose: {
    flag: 'verbose',
    env: '',
    kind: 'boolean',
    fallback: 'false',
    text: 'tell more; short: -v',
  },
} as const satisfies OptionTable;

export const EVERYWHERE = {
  allNamespaces: {
    flag: 'all-namespaces',
    env: '',
    kind: 'boolean',
    fallback: 'false',
    text: 'all namespaces; short: -A',
  },
} as const satisfies OptionTable;

/** What of an installation is looked at in place of the groups. */
export const INSTALLATION = {
  pre: {
    flag: 'pre',
    env: '',
    kind: 'boolean',
    fallback: 'false',
    text: 'whether an installation would work here, before there is one',
  },
  installation: {
    flag: 'installation',
    env: '',
    kind: 'boolean',
    fallback: 'false',
    text: 'the webhook and what it makes in labelled namespaces, and no group',
  },
} as const satisfies OptionTable;

export const YES = {
  yes: {
    flag: 'yes',
    env: '',
    kind: 'boolean',
    fallback: 'false',
    text: 'do not ask; needed where there is no terminal',
  },
} as const satisfies OptionTable;

export const WAIT = {
  wait: {
    flag: 'wait',
    env: '',
    kind: 'duration',
    fallback: '30s',
    min: 100,
    text: 'how long the agents may take for their answer',
  },
} as const satisfies OptionTable;

/** As the webhook has them, so that the same pod comes out. */
export const INJECTION = {
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
