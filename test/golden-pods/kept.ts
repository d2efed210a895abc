// What of a pod without us is gone, changed or in another order in the one with us. Written without the product's code: it is the judge of it.

type Fields = Record<string, unknown>;

type StoredPod = {
  readonly metadata?: Fields & { labels?: Fields; annotations?: Fields };
  readonly spec: Fields & {
    readonly containers: Fields[];
    readonly initContainers?: Fields[];
    readonly volumes?: Fields[];
  };
};

const AUTOMATIC = 'automatic-token';
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
/** New with each object. */
const OF_THE_SERVER = ['uid', 'creationTimestamp', 'namespace', 'managedFields', 'name'];
/** Variables in which an image takes flags; their value may grow. */
const FLAGS = /^(REDIS|VALKEY)_EXTRA_FLAGS$|^REDIS_ARGS$/;

/** The automatic volume has a random name. */
export function withoutRandomNames<T>(pod: T): T {
  return JSON.parse(JSON.stringify(pod).replaceAll(/kube-api-access-[a-z0-9]{5}/g, AUTOMATIC)) as T;
}

/** Their token would become the agent's: it may go where the person named no account and asked for none. */
function mayLoseToken({ spec }: StoredPod): boolean {
  const isDefault = isDefaultAccount(spec['serviceAccountName'] || spec['serviceAccount']);
  return isDefault && spec['automountServiceAccountToken'] !== true;
}

function isDefaultAccount(name: unknown): boolean {
  return ['', 'default', null, undefined].includes(name as string);
}

function withoutToken(pod: StoredPod): StoredPod {
  const kept = (items: unknown): Fields[] =>
    ((items ?? []) as Fields[]).filter(
      ({ name, mountPath = TOKEN_PATH }) => name !== AUTOMATIC || mountPath !== TOKEN_PATH,
    );
  const bare = (containers: Fields[] | undefined): Fields[] =>
    (containers ?? []).map((each) => ({ ...each, volumeMounts: kept(each['volumeMounts']) }));
  const { containers, initContainers, volumes } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: bare(containers),
      initContainers: bare(initContainers),
      volumes: kept(volumes),
    },
  };
}

export function lostParts(without: object, withUs: object): readonly string[] {
  const before = withoutRandomNames(without) as StoredPod;
  const after = withoutRandomNames(withUs) as StoredPod;
  const expected = mayLoseToken(before) ? withoutToken(before) : before;
  const { labels, annotations, ...metadata } = expected.metadata ?? {};
  for (const key of OF_THE_SERVER) delete metadata[key];
  return [
    ...lost(metadata, after.metadata ?? {}, 'metadata'),
    ...lost(labels ?? {}, after.metadata?.labels ?? {}, 'labels'),
    ...lost(annotations ?? {}, after.metadata?.annotations ?? {}, 'annotations'),
    ...lost(expected.spec, after.spec, 'spec'),
  ];
}

function lost(before: unknown, after: unknown, path: string): string[] {
  // As a manifest may have it: nothing is there.
  if (before === null) return [];
  if (Array.isArray(before)) {
    const now = Array.isArray(after) ? after : [];
    return /\.(args|command)$/.test(path)
      ? lostWords(before, now, path)
      : lostItems(before, now, path);
  }
  if (typeof before === 'object' && before !== null) {
    const now = (typeof after === 'object' && after !== null ? after : {}) as Fields;
    return Object.entries(before).flatMap(([key, value]) =>
      lost(value, now[key], `${path}.${key}`),
    );
  }
  return before === after || mayChange(before, after, path)
    ? []
    : [`${path}: ${JSON.stringify(before)} became ${JSON.stringify(after)}`];
}

/** Items keep their order; others may stand between them. */
function lostItems(before: readonly unknown[], after: readonly unknown[], path: string): string[] {
  let next = 0;
  return before.flatMap((item) => {
    const at = after.findIndex((each, index) => index >= next && identity(each) === identity(item));
    if (at < 0) return [`${path} ${identity(item)}: gone, or in another place`];
    next = at + 1;
    return lost(item, after[at], `${path}[${identity(item)}]`);
  });
}

/** What was there stays where it was; the text of a shell may become longer. */
function lostWords(before: readonly unknown[], after: readonly unknown[], path: string): string[] {
  return before.flatMap((word, index) => {
    const now = after[index];
    const isLonger =
      typeof word === 'string' &&
      typeof now === 'string' &&
      /-server/.test(word) &&
      now.startsWith(word.replace(/[\s\\]+$/, ''));
    return word === now || isLonger
      ? []
      : [`${path}[${index}]: ${String(word)} became ${String(now)}`];
  });
}

function identity(item: unknown): string {
  if (typeof item !== 'object' || item === null) return JSON.stringify(item);
  const { mountPath, name, key } = item as Fields;
  const own = mountPath ?? name ?? key;
  return typeof own === 'string' ? own : JSON.stringify(item);
}

function mayChange(before: unknown, after: unknown, path: string): boolean {
  switch (path) {
    case 'spec.serviceAccountName':
    case 'spec.serviceAccount':
      return isDefaultAccount(before) && after === 'redis-orchestrator';
    case 'spec.terminationGracePeriodSeconds':
      return Number(after) > Number(before) && Number(before) < 10;
    default: {
      const name = /\.env\[(.+)\]\.value$/.exec(path)?.[1] ?? '';
      return (
        FLAGS.test(name) && String(after).startsWith(before === '' ? '--' : `${String(before)} --`)
      );
    }
  }
}
