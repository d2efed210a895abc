// One core with its clock, as its tests drive it: redis-0, fed event by event.

import type {
  AgentEvent,
  AgentState,
  CoreConfig,
  Effect,
  GroupRecord,
  Instance,
  LeaseOutcome,
  LeaseView,
  LeaseWrite,
  LocalRedis,
  PodView,
} from '../../agent/core/model.ts';
import { groupFactsOf } from '../../agent/core/group-facts.ts';
import { reportOf } from '../../agent/core/report.ts';
import { initialState, step } from '../../agent/core/step.ts';
import { EMPTY_RECORD } from '../../agent/core/view.ts';
import { type GroupView, groupView } from '../../src/group-view.ts';
import type { AgentReport, InstanceReport } from '../../src/wire.ts';
import { config, limbo, pod } from './core-fixtures.ts';

export const SELF = config.self;

/** The local Redis once it was promoted out of `limbo`. */
export const master: Instance = {
  ...limbo,
  role: 'master',
  upstream: null,
  replid: 'bbb',
  replid2: 'aaa',
  secondOffset: 101,
};

export const candidate = (n: number) => ({
  pod: `redis-${n}`,
  uid: `u${n}`,
  address: `10.0.0.${n}`,
  runId: `run${n}`,
});

export const named = (n: number) => ({ pod: `redis-${n}`, uid: `u${n}`, agentId: `p${n}` });

/** Of term 1, held by redis-1; its data are `aaa`. */
export const lease = (
  changes: Partial<Omit<LeaseView, 'record'>> & { record?: Partial<GroupRecord> } = {},
): LeaseView => ({
  resourceVersion: '10',
  holder: { pod: 'redis-1', uid: 'u1', agentId: 'x' },
  term: 1,
  renewTime: 'r1',
  force: null,
  ...changes,
  record: {
    ...EMPTY_RECORD,
    lineage: [{ replid: 'aaa', term: 1, start: 0 }],
    candidates: [candidate(0), candidate(1)],
    datasets: { 'redis-0': { volume: 'u0', replid: 'aaa', offset: 90, keys: 5 } },
    ...changes.record,
  },
});

/** What the Redis of redis-n shows in limbo. */
export const limboOf = (n: number, changes: Partial<InstanceReport> = {}): InstanceReport => ({
  ...limbo,
  runId: `run${n}`,
  upstream: '127.0.0.1:1',
  ...changes,
});

/** The local Redis does not answer, since `since`; `refused`: nobody listens any more. */
export const silent = (since: number, refused: boolean): LocalRedis => ({
  reachable: false,
  since,
  refused,
  locked: false,
  detail: refused ? 'ECONNREFUSED' : 'Command timed out',
  last: master,
});

export const context = {
  namespace: 'shop',
  group: 'redis',
  podIP: '10.0.0.0',
  version: '0',
  clockMs: 0,
  epochOffsetMs: 0,
  lastDecision: null,
  route: [],
  apiRequests: 0,
};

/** The picture that this agent makes of its group. */
export function viewOf(state: AgentState): GroupView {
  const own = reportOf(state, context);
  const [at, profile] = ['2026-01-31T12:00:00.000Z', 'balanced'];
  return groupView(groupFactsOf(state, { own, nodeOf: (uid) => `node-of-${uid}`, at, profile }));
}

/** A core with its clock: every call is one event. */
export class Rig {
  state: AgentState;
  now = 0;
  effects: Effect[] = [];
  /** Whether the API server finds no pod that is looked for. */
  saysGone = true;

  constructor(changes: Partial<CoreConfig> = {}) {
    this.state = initialState({ ...config, ...changes }, 0);
  }

  feed(event: AgentEvent, atMs = this.now): readonly Effect[] {
    this.now = atMs;
    const result = step(this.state, event, atMs);
    this.state = result.state;
    this.effects.push(...result.effects);
    if (this.saysGone) this.#sayGone(result.effects);
    return result.effects;
  }

  #sayGone(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'look-for-pods') continue;
      for (const { uid } of effect.pods) this.feed({ kind: 'pod-gone', uid });
    }
  }

  tick(atMs = this.now): readonly Effect[] {
    return this.feed({ kind: 'tick' }, atMs);
  }

  see(instance: Instance, atMs = this.now): readonly Effect[] {
    return this.feed({ kind: 'redis', redis: { reachable: true, instance, seenAt: atMs } }, atMs);
  }

  peer(n: number, changes: Partial<AgentReport>): readonly Effect[] {
    const self = {
      pod: `redis-${n}`,
      uid: `u${n}`,
      agentId: `p${n}`,
      volume: `u${n}`,
      address: `10.0.0.${n}`,
    };
    const base = reportOf(initialState({ ...config, self }, 0), {
      ...context,
      podIP: `10.0.0.${n}`,
    });
    return this.feed({ kind: 'peer', report: { ...base, ...changes }, startedEpochMs: 2000 });
  }

  /** redis-n stands in limbo, and promises so for every term. */
  frozen(n: number, changes: Partial<InstanceReport> = {}): readonly Effect[] {
    return this.peer(n, { role: 'limbo', frozenTerm: 99, instance: limboOf(n, changes) });
  }

  /** The answer to the last Lease write that was asked for. */
  written(outcome: LeaseOutcome, atMs = this.now): readonly Effect[] {
    const effect = this.effects.findLast((each) => each.kind === 'write-lease');
    if (effect === undefined) throw new Error('no write');
    const view = outcome === 'ok' ? writtenLease(effect.write) : null;
    return this.feed({ kind: 'lease-written', id: effect.id, outcome, lease: view }, atMs);
  }

  /** The answer to the last role command. */
  done(instance: Instance | null, atMs = this.now): readonly Effect[] {
    const id = this.state.pendingRedis?.id ?? 0;
    const result =
      instance === null
        ? ({ ok: false, refused: false, detail: 'denied', replied: true } as const)
        : ({ ok: true, instance } as const);
    return this.feed({ kind: 'redis-done', id, result }, atMs);
  }

  /** One look every 50 ms until then. */
  pass(untilMs: number, look: () => void = () => this.tick()): void {
    for (; this.now <= untilMs; this.now += 50) look();
  }

  /** Fenced, in limbo, with the given Lease. */
  static fenced(
    view: LeaseView | null,
    pods: readonly PodView[] = [pod(0), pod(1)],
    changes: Partial<CoreConfig> = {},
  ): Rig {
    const rig = new Rig(changes);
    rig.feed({ kind: 'pods', pods });
    rig.feed({ kind: 'lease', lease: view });
    rig.see(limbo);
    rig.feed({ kind: 'tick' });
    return rig;
  }

  /** Named by redis-1 for term 2, and valid for as long as a test lasts. */
  static nominee(record: Partial<GroupRecord> = {}, pods = [pod(0), pod(1)]): Rig {
    const rig = Rig.fenced(lease({ record: { datasets: {} } }), pods);
    rig.effects = [];
    rig.state = { ...rig.state, pendingRedis: null, validUntil: 100_000 };
    const view = lease({ resourceVersion: '12', holder: SELF, term: 2, record });
    rig.feed({ kind: 'lease', lease: view });
    return rig;
  }

  /** Leading in term 1 with one synced replica, redis-1; nothing is under way. */
  static leading(changes: Partial<CoreConfig> = {}, pods = [pod(0), pod(1)]): Rig {
    const view = lease({
      holder: null,
      term: 0,
      record: { lineage: [{ replid: 'aaa', term: 0, start: 0 }] },
    });
    const rig = Rig.fenced(view, pods, changes);
    let ms = 0;
    rig.feed({ kind: 'request', request: null });
    for (; rig.state.phase !== 'Leading' && ms < 1000; ms += 20) answer(rig, ms);
    for (; rig.effects.length > 0 && ms < 1000; ms += 20) answer(rig, ms);
    rig.effects = [];
    return rig;
  }
}

export function writtenLease(write: LeaseWrite): LeaseView {
  const version = String(Number(write.resourceVersion) + 1);
  return { ...write, resourceVersion: version, renewTime: `r${version}`, force: null };
}

/** redis-1 as a replica in sync with this pod's Redis. */
export function synced(rig: Rig, changes: Partial<AgentReport> = {}): void {
  const { phase } = rig.state;
  const isMaster = phase === 'Leading' || phase === 'Promoting' || phase === 'HandingOver';
  rig.peer(1, {
    agentId: 'p1',
    role: 'replica',
    frozenTerm: 99,
    inSync: true,
    instance: limboOf(1, {
      replid: isMaster ? 'bbb' : 'aaa',
      linkUp: true,
      upstream: '10.0.0.0:6379',
    }),
    ...changes,
  });
}

/** Carries out what the core asked for, as a willing Redis and API server would. */
function answer(rig: Rig, atMs: number): void {
  const asked = rig.effects.splice(0);
  for (const effect of asked) {
    if (effect.kind === 'write-lease') {
      const written = writtenLease(effect.write);
      rig.feed({ kind: 'lease-written', id: effect.id, outcome: 'ok', lease: written }, atMs);
    } else if (effect.kind === 'limbo') {
      const result = { ok: true, instance: { ...limbo, offset: 120 } } as const;
      rig.feed({ kind: 'redis-done', id: effect.id, result }, atMs);
    } else if (effect.kind === 'promote' || effect.kind === 'open') {
      rig.feed({ kind: 'redis-done', id: effect.id, result: { ok: true, instance: master } }, atMs);
    } else if (effect.kind === 'fence-remote') {
      for (const { uid } of effect.targets) {
        rig.feed({ kind: 'remote-fenced', uid, isConfirmed: true, instance: null }, atMs);
      }
    }
  }
  synced(rig);
  // A first master is elected once everybody was heard.
  for (const { name } of rig.state.pods?.slice(2) ?? []) rig.frozen(Number(name.slice(6)));
  if (rig.state.phase === 'Leading' || rig.state.phase === 'Promoting') rig.see(master, atMs);
  rig.feed({ kind: 'tick' }, atMs);
}

export const writes = (effects: readonly Effect[]): LeaseWrite[] =>
  effects.flatMap((effect) => (effect.kind === 'write-lease' ? [effect.write] : []));

export const kinds = (effects: readonly Effect[]): string[] => effects.map(({ kind }) => kind);

/** The pods that a remote fence was asked for. */
export const targets = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.kind === 'fence-remote' ? effect.targets : []));
