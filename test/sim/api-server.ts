// A model of the API server: Leases and pods with resource versions, compare-and-swap, merge patches
// and watches that are late, held up or broken. What is true is here; clients see it later.

import type { ApiRequest } from '../../agent/kube/api.ts';
import type { World } from './world.ts';

type Metadata = {
  readonly name: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
};

export type Stored = {
  readonly kind?: string;
  readonly metadata: Metadata;
  readonly spec?: object;
  readonly status?: object;
};

export type StoredLease = Stored & {
  readonly spec?: { readonly holderIdentity?: string; readonly leaseTransitions?: number };
};

export type Answer = { readonly status: number; readonly body: unknown };
export type Change = { readonly type: 'set' | 'delete'; readonly item: Stored };
/** All of a collection, or the one of this name. */
export type Watched = { readonly collection: Collection; readonly name: string | null };
export type Watcher = { readonly what: Watched; notify(change: Change): void };
export type Collection = 'leases' | 'pods';
/** `refuse`: nobody listens. `hang`: connections are made and nothing is answered. */
export type Mode = 'up' | 'refuse' | 'hang';

const FIRST_VERSION = 1000;

export function isWatched({ name }: Watched, { metadata }: Stored): boolean {
  return name === null || metadata.name === name;
}

function failure(status: number, message: string): Answer {
  return { status, body: message };
}

/** RFC 7386 on the two maps that are ever patched. */
function merged(
  old: Readonly<Record<string, string>> | undefined,
  patch: Readonly<Record<string, string | null>> | undefined,
): Readonly<Record<string, string>> {
  const entries = new Map(Object.entries(old ?? {}));
  for (const [key, value] of Object.entries(patch ?? {})) {
    if (value === null) entries.delete(key);
    else entries.set(key, value);
  }
  return Object.fromEntries(entries);
}

export class SimApiServer {
  readonly #world: World;
  #version = FIRST_VERSION;
  readonly #objects: Record<Collection, Map<string, Stored>> = {
    leases: new Map(),
    pods: new Map(),
  };
  readonly claims = new Set<string>();
  readonly watchers = new Set<Watcher>();
  mode: Mode = 'up';
  /** Told of every change, at once: the simulator's own eyes. */
  onChange: (collection: Collection, before: Stored | null, after: Stored | null) => void = () =>
    undefined;

  constructor(world: World) {
    this.#world = world;
  }

  list(collection: Collection): readonly Stored[] {
    return [...this.#objects[collection].values()];
  }

  find(collection: Collection, name: string): Stored | null {
    return this.#objects[collection].get(name) ?? null;
  }

  put(collection: Collection, object: Stored): Stored {
    const { name } = object.metadata;
    const before = this.find(collection, name);
    const metadata = { ...object.metadata, resourceVersion: String(++this.#version) };
    const stored = { ...object, metadata };
    this.#objects[collection].set(name, stored);
    this.#tell(collection, before, stored, { type: 'set', item: stored });
    return stored;
  }

  remove(collection: Collection, name: string): void {
    const before = this.find(collection, name);
    if (before === null) return;
    this.#objects[collection].delete(name);
    const metadata = { ...before.metadata, resourceVersion: String(++this.#version) };
    this.#tell(collection, before, null, { type: 'delete', item: { ...before, metadata } });
  }

  #tell(collection: Collection, before: Stored | null, after: Stored | null, change: Change): void {
    this.onChange(collection, before, after);
    for (const watcher of this.watchers) {
      const isOf = watcher.what.collection === collection;
      if (isOf && isWatched(watcher.what, change.item)) watcher.notify(change);
    }
  }

  /** What one request does and answers, at the instant at which the server handles it. */
  handle(request: ApiRequest): Answer {
    const [path = ''] = request.path.split('?');
    const parts = path.split('/');
    const claim = /\/persistentvolumeclaims\/(.+)$/.exec(path)?.[1];
    if (claim !== undefined) {
      return this.claims.has(claim) ? { status: 200, body: {} } : failure(404, 'not found');
    }
    const collection: Collection = path.includes('/leases') ? 'leases' : 'pods';
    const name = parts.at(-1) === collection ? null : (parts.at(-1) ?? null);
    switch (request.method) {
      case 'GET':
        return this.#get(collection, name);
      case 'POST':
        return this.#create(collection, request.body as Stored);
      case 'PUT':
        return this.#replace(collection, request.body as Stored);
      case 'PATCH':
        return this.#patch(collection, name ?? '', request.body as Stored);
      case 'DELETE':
        return failure(405, 'agents delete nothing');
    }
  }

  #get(collection: Collection, name: string | null): Answer {
    if (name === null) {
      const metadata = { resourceVersion: String(this.#version) };
      return { status: 200, body: { metadata, items: this.list(collection) } };
    }
    const found = this.find(collection, name);
    return found === null ? failure(404, 'not found') : { status: 200, body: found };
  }

  #create(collection: Collection, object: Stored): Answer {
    if (this.find(collection, object.metadata.name) !== null) return failure(409, 'exists');
    return { status: 201, body: this.put(collection, object) };
  }

  #replace(collection: Collection, object: Stored): Answer {
    const old = this.find(collection, object.metadata.name);
    if (old === null) return failure(404, 'not found');
    if (old.metadata.resourceVersion !== object.metadata.resourceVersion) {
      return failure(409, 'the object has been modified');
    }
    return { status: 200, body: this.put(collection, object) };
  }

  #patch(collection: Collection, name: string, patch: Stored): Answer {
    const old = this.find(collection, name);
    if (old === null) return failure(404, 'not found');
    const { uid, labels, annotations } = patch.metadata;
    if (uid !== undefined && uid !== old.metadata.uid) return failure(409, 'another UID');
    const metadata = {
      ...old.metadata,
      labels: merged(old.metadata.labels, labels),
      annotations: merged(old.metadata.annotations, annotations),
    };
    return { status: 200, body: this.put(collection, { ...old, metadata }) };
  }

  /** Connections of a server that stops are closed; those of one that hangs stay. */
  setMode(mode: Mode): void {
    this.mode = mode;
    if (mode === 'refuse') this.breakWatches();
  }

  readonly breaks = new Set<() => void>();

  breakWatches(): void {
    for (const breakWatch of this.breaks) this.#world.after(0, breakWatch);
  }
}
