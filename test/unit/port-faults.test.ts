// A port that rejects or throws is a bug of an adapter. It must not end the agent, must not leave a command
// under way for ever, and must be told; and the agent goes on when the port answers again.

import { type Test, test } from 'tap';
import { systemClock } from '../../agent/clock.ts';
import type { Instance, LeaseView, LeaseWrite, PodView } from '../../agent/core/model.ts';
import { reportOf } from '../../agent/core/report.ts';
import { initialState } from '../../agent/core/step.ts';
import { EMPTY_RECORD, LIMBO } from '../../agent/core/view.ts';
import { LabelKeeper } from '../../agent/kube/label-keeper.ts';
import { Runtime, type RuntimeParts } from '../../agent/runtime.ts';
import type { Log } from '../../src/log.ts';
import { waitFor } from '../harness/wait-for.ts';
import { config, limbo, pod } from './core-fixtures.ts';

const SILENT = { ok: false, refused: false, detail: 'silent' } as const;

type Mode = 'rejects' | 'throws';

const rejections: unknown[] = [];
process.on('unhandledRejection', (error) => rejections.push(error));

const lineage = [{ replid: 'aaa', term: 1, start: 0 }];
const gone = { volume: 'pvc/data-redis-9', replid: 'aaa', offset: 5, keys: 1 };
const own = { volume: 'u0', replid: 'aaa', offset: 100, keys: 1 };
const candidate = { pod: 'redis-0', uid: 'u0', address: '10.0.0.0', runId: 'run0' };
const record = { ...EMPTY_RECORD, lineage, datasets: { 'redis-0': own, 'redis-9': gone } };
const master: Instance = { ...limbo, role: 'master', upstream: null, runId: 'run1' };

/** redis-0 with its agent, in a world that does what it asks; the chosen port fails a few times. */
class Stage {
  readonly errors: object[] = [];
  /** Calls of each port. */
  readonly calls = new Map<string, number>();
  faults = 0;
  lease: LeaseView | null;
  readonly runtime: Runtime;
  readonly #faulty: string;
  readonly #mode: Mode;
  #instance: Instance = limbo;

  constructor(faulty: string, mode: Mode, lease: LeaseView | null) {
    this.#faulty = faulty;
    this.#mode = mode;
    this.lease = lease;
    const parts = this.#parts();
    this.runtime = new Runtime(parts);
  }

  start(pods: readonly PodView[], others: () => void): () => void {
    this.runtime.start();
    this.runtime.dispatch({ kind: 'pods', pods });
    const timer = systemClock.every(20, () => {
      this.#see();
      this.runtime.dispatch({ kind: 'lease', lease: this.lease });
      others();
    });
    return () => {
      timer.cancel();
      this.runtime.stop();
    };
  }

  /** A person lets it follow nobody, or a stranger. */
  takeOff(): void {
    if (this.runtime.state.phase !== 'Following') return;
    const upstream = this.#faulty === 'redis.limbo' ? { host: '10.0.0.7', port: 1 } : LIMBO;
    this.#instance = { ...this.#instance, upstream, linkUp: false };
  }

  get told(): boolean {
    return this.errors.some((fields) => Reflect.get(fields, 'port') === this.#faulty);
  }

  count(port: string): number {
    return this.calls.get(port) ?? 0;
  }

  #see(): void {
    const seenAt = systemClock.now();
    const redis = { reachable: true, instance: this.#instance, seenAt } as const;
    this.runtime.dispatch({ kind: 'redis', redis });
  }

  /** Counts the call; the chosen port fails its first two. */
  #called(port: string): void {
    this.calls.set(port, this.count(port) + 1);
    const FAULTS = 2;
    if (port !== this.#faulty || this.faults >= FAULTS) return;
    this.faults++;
    throw new Error('injected');
  }

  #port<A extends unknown[], T>(name: string, answer: (...args: A) => T) {
    return (...args: A): Promise<T> => {
      if (this.#mode === 'throws') this.#called(name);
      else {
        try {
          this.#called(name);
        } catch (error) {
          return Promise.reject(error as Error);
        }
      }
      return Promise.resolve(answer(...args));
    };
  }

  #role(changes: Partial<Instance>) {
    this.#instance = { ...this.#instance, ...changes };
    return { ok: true, instance: this.#instance } as const;
  }

  #write(write: LeaseWrite) {
    const version = String(Number(this.lease?.resourceVersion ?? 0) + 1);
    this.lease = { ...write, resourceVersion: version, renewTime: version, force: null };
    return { outcome: 'ok', lease: this.lease, detail: '', absent: false } as const;
  }

  #log(): Log {
    const drop = (): void => undefined;
    const error = (fields: object): void => void this.errors.push(fields);
    return { debug: drop, info: drop, warn: drop, error } as unknown as Log;
  }

  #parts(): RuntimeParts {
    const log = this.#log();
    const done = { ok: true, body: {} } as const;
    const asMaster = { role: 'master', upstream: null, replid: 'bbb', replid2: 'aaa' } as const;
    const called = (name: string) => () => this.#called(name);
    const pods = {
      setRole: this.#port('pods.setRole', () => done),
      setMirror: this.#port('pods.setMirror', () => done),
      isPodGone: this.#port('pods.isPodGone', () => false),
      isClaimGone: this.#port('pods.isClaimGone', () => true),
    };
    return {
      core: config,
      clock: systemClock,
      log,
      redis: {
        limbo: this.#port('redis.limbo', () => this.#role({ role: 'replica', upstream: LIMBO })),
        replicateFrom: this.#port('redis.replicateFrom', (host: string) =>
          this.#role({ upstream: { host, port: 6379 }, linkUp: true }),
        ),
        promote: this.#port('redis.promote', () => this.#role(asMaster)),
        open: this.#port('redis.open', () => this.#role({})),
        guard: this.#port('redis.guard', () => this.#role({})),
        setPollInterval: called('redis.setPollInterval'),
      },
      redisProcess: { kill: () => Promise.resolve(null) },
      remoteRedis: {
        look: this.#port('remoteRedis.look', () => ({ ok: true, instance: master }) as const),
        // Who does not answer is asked again.
        fence: this.#port('remoteRedis.fence', () => SILENT),
        hastenSync: this.#port('remoteRedis.hastenSync', () => {
          return { ok: true, instance: master } as const;
        }),
      },
      lease: {
        read: this.#port('lease.read', () => ({ ok: true, body: this.lease }) as const),
        write: this.#port('lease.write', (write: LeaseWrite) => this.#write(write)),
      },
      pods,
      labels: new LabelKeeper(pods, systemClock, log, Math.random),
      routes: {
        reconcile: called('routes.reconcile'),
        reports: () => {
          this.#called('routes.reports');
          return [];
        },
      },
      isStranger: this.#port('isStranger', () => false),
      readRoute: this.#port('readRoute', () => []),
      followPeers: called('followPeers'),
      publish: called('publish'),
      tell: called('tell'),
      observe: called('observe'),
      onExit: () => undefined,
      apiRequests: () => 0,
      namespace: 'shop',
      group: 'redis',
      podIP: '10.0.0.0',
      syncIntervalMs: 100,
    };
  }
}

const released: LeaseView = {
  resourceVersion: '1',
  holder: null,
  term: 1,
  renewTime: '1',
  force: null,
  record: { ...record, candidates: [candidate] },
};
const held: LeaseView = {
  ...released,
  holder: { pod: 'redis-1', uid: 'u1', agentId: 'x' },
  record: { ...record, candidates: [{ ...candidate, pod: 'redis-1', uid: 'u1', runId: 'run1' }] },
};

async function comesThrough(t: Test, stage: Stage, faulty: string): Promise<void> {
  await waitFor(`${faulty} is called again after it failed`, () => stage.count(faulty) > 2, {
    timeoutMs: 20_000,
    everyMs: 10,
    picture: () => `${stage.runtime.state.phase}: ${stage.runtime.state.reason}`,
  });
  t.equal(stage.faults, 2, 'it failed twice');
  t.ok(stage.told, 'and that is told as a bug');
  await waitFor(
    'nothing is under way for ever',
    () => stage.runtime.state.pendingRedis === null && stage.runtime.state.pendingWrite === null,
    { timeoutMs: 5000, everyMs: 5 },
  );
}

/** Elected alone beside a silent pod: limbo, fence, promotion, labels, mirror. */
async function leads(t: Test, faulty: string, mode: Mode): Promise<void> {
  const stage = new Stage(faulty, mode, released);
  let pods = [pod(0), pod(1)];
  let asked = 0;
  const end = stage.start(pods, () => {
    // Refused, each of them, and people are told.
    const request = { id: `r${asked++}`, target: null, term: 99, until: Number.MAX_SAFE_INTEGER };
    stage.runtime.dispatch({ kind: 'request', request: { ...request, by: 'alice' } });
    // The list changes, so that who follows it is asked again.
    pods = [...pods];
    stage.runtime.dispatch({ kind: 'pods', pods });
  });
  t.teardown(end);
  await waitFor('it leads all the same', () => stage.runtime.state.phase === 'Leading', {
    timeoutMs: 20_000,
    everyMs: 10,
    picture: () => `${stage.runtime.state.phase}: ${stage.runtime.state.reason}`,
  });
  await comesThrough(t, stage, faulty);
  end();
}

const onceLeading = [
  'redis.promote',
  'redis.open',
  'redis.setPollInterval',
  'remoteRedis.fence',
  'lease.read',
  'lease.write',
  'pods.setRole',
  'pods.setMirror',
  'isStranger',
  'readRoute',
  'routes.reconcile',
  'routes.reports',
  'followPeers',
  'publish',
  'tell',
  'observe',
];

/** What redis-1 tells of itself: the holder, and an open master. */
function holderReport() {
  const core = {
    ...config,
    self: { pod: 'redis-1', uid: 'u1', agentId: 'x', volume: 'u1', address: '10.0.0.0' },
  };
  const redis = { reachable: true, instance: master, seenAt: 0 } as const;
  const report = reportOf(
    { ...initialState(core, 0), redis },
    {
      namespace: 'shop',
      group: 'redis',
      podIP: '10.0.0.1',
      version: '0',
      clockMs: 0,
      epochOffsetMs: 0,
      lastDecision: null,
      route: [],
      apiRequests: 0,
    },
  );
  return { ...report, term: 1 };
}

/** Attaches to the holder; redis-9 and its volume are gone. A person takes it off again and again. */
async function follows(t: Test, faulty: string, mode: Mode): Promise<void> {
  const stage = new Stage(faulty, mode, held);
  const end = stage.start([pod(0), pod(1)], () => {
    stage.runtime.dispatch({ kind: 'peer', report: holderReport(), startedEpochMs: 0 });
    stage.takeOff();
  });
  t.teardown(end);
  await comesThrough(t, stage, faulty);
  end();
}

const onceFollowing = [
  'redis.limbo',
  'redis.replicateFrom',
  'remoteRedis.look',
  'pods.isClaimGone',
];

/** Attaches to a master without an agent. */
async function adopts(t: Test, faulty: string, mode: Mode): Promise<void> {
  const stage = new Stage(faulty, mode, null);
  const end = stage.start([pod(0), pod(1, { managed: false })], () => stage.takeOff());
  t.teardown(end);
  await comesThrough(t, stage, faulty);
  end();
}

const onceAdopting = ['remoteRedis.hastenSync'];

const scenarios = [
  ...onceLeading.map((faulty) => [leads, faulty] as const),
  ...onceFollowing.map((faulty) => [follows, faulty] as const),
  ...onceAdopting.map((faulty) => [adopts, faulty] as const),
];

for (const mode of ['rejects', 'throws'] as const) {
  void test(`no port that ${mode} stops the agent`, { jobs: scenarios.length }, async (t) => {
    const runs = scenarios.map(async ([scenario, faulty]) => {
      await t.test(faulty, async (t) => await scenario(t, faulty, mode));
    });
    await Promise.all(runs);
    t.strictSame(rejections, [], 'no rejection is unhandled');
  });
}
