// Whether a pod has the form that the core relies on, as the API server makes sure of it: texts are texts, lists are
// lists. A manifest from a file, or a review from a stranger, may have anything; the first fault is told with its
// field, what stands there, and the remedy.

import { isMap } from '../../src/json.ts';

export type Fault = { readonly field: string; readonly what: string; readonly remedy: string };

/** Nothing at all (absent, null) is no fault. */
type Check = (value: unknown, field: string) => Fault | undefined;

const SHOWN_MAX = 30;
/** Passwords stand in these. */
const SECRETIVE = /\.(args|command|env)\b/;

function fault(field: string, value: unknown, form: string, remedy: string): Fault {
  const written = JSON.stringify(value) ?? 'nothing';
  const kind = Array.isArray(value) ? 'a list' : value === null ? 'nothing' : `a ${typeof value}`;
  const shown = SECRETIVE.test(field)
    ? kind
    : written.length > SHOWN_MAX
      ? `${written.slice(0, SHOWN_MAX)}…`
      : written;
  return { field, what: `${shown} is ${form}`, remedy };
}

const text: Check = (value, field) =>
  typeof value === 'string'
    ? undefined
    : fault(
        field,
        value,
        'no text',
        'put it in quotes: texts that look like numbers or yes need them',
      );

const flag: Check = (value, field) =>
  typeof value === 'boolean'
    ? undefined
    : fault(field, value, 'neither true nor false', 'write true or false, without quotes');

function whole(min: number, max: number): Check {
  return (value, field) =>
    Number.isInteger(value) && Number(value) >= min && Number(value) <= max
      ? undefined
      : fault(
          field,
          value,
          'no valid number',
          `write a whole number from ${min} to ${max}, without quotes`,
        );
}

function listOf(check: Check): Check {
  return (value, field) => {
    if (!Array.isArray(value)) return fault(field, value, 'no list', 'write a list');
    for (const [index, item] of value.entries()) {
      const found = check(item, `${field}[${index}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

function mapOf(check: Check): Check {
  return (value, field) => {
    if (!isMap(value)) return fault(field, value, 'no map', 'write a map, KEY: VALUE');
    for (const [key, inner] of Object.entries(value)) {
      const found = check(inner, `${field}.${key}`);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/** Other fields are none of ours; `required` ones must be there. */
function fields(checks: Readonly<Record<string, Check>>, required: readonly string[] = []): Check {
  return (value, field) => {
    if (!isMap(value)) return fault(field, value, 'no map', 'write a map, KEY: VALUE');
    for (const [key, check] of Object.entries(checks)) {
      const inner = value[key] ?? undefined;
      if (inner === undefined && !required.includes(key)) continue;
      const path = field === '' ? key : `${field}.${key}`;
      if (inner === undefined) return { field: path, what: 'is missing', remedy: 'write one' };
      const found = check(inner, path);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

const MAP = fields({});
const ID = whole(0, Number.MAX_SAFE_INTEGER);
const RESOURCES = fields({ requests: MAP, limits: MAP });
const SOURCE = fields({ items: listOf(MAP) });
const NAMED = fields({ name: text });

const VARIABLE = fields({ name: text, value: text, valueFrom: MAP }, ['name']);
const PORT = fields({ name: text, containerPort: whole(1, 65_535) }, ['containerPort']);
const MOUNT = fields({ name: text, mountPath: text, subPath: text, subPathExpr: text }, [
  'name',
  'mountPath',
]);
const VOLUME = fields(
  {
    name: text,
    secret: SOURCE,
    configMap: SOURCE,
    projected: fields({ sources: listOf(MAP) }),
  },
  ['name'],
);
const HOOKS = fields({
  preStop: MAP,
  postStart: fields({ exec: fields({ command: listOf(text) }) }),
});
const CONTAINER = fields(
  {
    name: text,
    image: text,
    command: listOf(text),
    args: listOf(text),
    env: listOf(VARIABLE),
    envFrom: listOf(fields({ prefix: text, secretRef: NAMED, configMapRef: NAMED })),
    ports: listOf(PORT),
    volumeMounts: listOf(MOUNT),
    lifecycle: HOOKS,
    restartPolicy: text,
    resources: RESOURCES,
    securityContext: MAP,
  },
  ['name'],
);

const POD = fields({
  metadata: fields({
    name: text,
    generateName: text,
    labels: mapOf(text),
    annotations: mapOf(text),
    ownerReferences: listOf(fields({ apiVersion: text, kind: text, name: text, controller: flag })),
  }),
  spec: fields({
    containers: listOf(CONTAINER),
    initContainers: listOf(CONTAINER),
    volumes: listOf(VOLUME),
    serviceAccountName: text,
    serviceAccount: text,
    automountServiceAccountToken: flag,
    // The API server takes less than nothing for one second.
    terminationGracePeriodSeconds: whole(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    shareProcessNamespace: flag,
    hostNetwork: flag,
    resources: RESOURCES,
    nodeSelector: mapOf(text),
    os: NAMED,
    securityContext: fields({ runAsUser: ID, fsGroup: ID }),
  }),
});

/** `above`: where the pod stands in its object (`spec.template`). */
export function podFault(pod: unknown, above = ''): Fault | undefined {
  return POD(pod, above);
}

export function faultText({ field, what }: Fault): string {
  return field === '' ? what : `${field}: ${what}`;
}
