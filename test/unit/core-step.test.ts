// The rows of the state machine, driven event by event on one core.

import t from 'tap';
import type {
  AgentEvent,
  AgentState,
  Effect,
  GroupRecord,
  Instance,
  LeaseView,
} from '../../agent/core/model.ts';
import { reportOf } from '../../agent/core/report.ts';
import { initialState, step } from '../../agent/core/step.ts';
import { EMPTY_RECORD } from '../../agent/core/view.ts';
import type { AgentReport } from '../../src/wire.ts';
import { config, limbo, pod } from './core-fixtures.ts';

const SELF = config.self;
const master: Instance = {
  ...limbo,
  role: 'master',
  upstream: null,
  replid: 'bbb',
  replid2: 'aaa',
  secondOffset: 101,
};
const candidate = (n: number) => ({
  pod: `redis-${n}`,
  uid: `u${n}`,
  address: `10.0.0.${n}`,
  runId: `run${n}`,
});
const lease = (
  changes: Partial<Omit<LeaseView, 'record'>> & { record?: Partial<GroupRecord> },
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

/** A core with its clock: every call is one event. */
class Rig {
  state: AgentState = initialState(config, 0);
  now = 0;
  effects: Effect[] = [];

  feed(event: AgentEvent, atMs = this.now): readonly Effect[] {
    this.now = atMs;
    const result = step(this.state, event, atMs);
    this.state = result.state;
    this.effects.push(...result.effects);
    return result.effects;
  }

  see(instance: Instance, atMs = this.now): readonly Effect[] {
    return this.feed({ kind: 'redis', redis: { reachable: true, instance, seenAt: atMs } }, atMs);
  }

  peer(n: number, changes: Partial<AgentReport>): readonly Effect[] {
    const base = reportOf(
      initialState(
        {
          ...config,
          self: {
            pod: `redis-${n}`,
            uid: `u${n}`,
            agentId: `p${n}`,
            volume: `u${n}`,
            address: `10.0.0.${n}`,
          },
        },
        0,
      ),
      {
        namespace: 'shop',
        group: 'redis',
        podIP: `10.0.0.${n}`,
        version: '0',
        clockMs: 0,
        epochOffsetMs: 0,
        lastDecision: null,
        route: [],
        apiRequests: 0,
      },
    );
    return this.feed({ kind: 'peer', report: { ...base, ...changes }, startedEpochMs: 2000 });
  }

  /** Fenced, in limbo, with the given Lease. */
  static fenced(view: LeaseView | null, pods = [pod(0), pod(1)]): Rig {
    const rig = new Rig();
    rig.feed({ kind: 'pods', pods });
    rig.feed({ kind: 'lease', lease: view });
    rig.see(limbo);
    rig.feed({ kind: 'tick' });
    return rig;
  }
}
const writes = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.kind === 'write-lease' ? [effect.write] : []));
const kinds = (effects: readonly Effect[]): string[] => effects.map(({ kind }) => kind);

await t.test('Boot: a master that no Lease names is fenced and its clients are cut', (t) => {
  const rig = new Rig();
  rig.feed({ kind: 'pods', pods: [pod(0)] });
  rig.feed({ kind: 'lease', lease: null });
  const effects = rig.see(master);
  t.match(effects, [{ kind: 'limbo', cutClients: true }]);
  t.equal(rig.state.phase, 'Fenced');
  t.end();
});

await t.test(
  'a listed candidate acquires after a whole wait on its own clock, and not before',
  (t) => {
    const rig = Rig.fenced(lease({}));
    t.same(writes(rig.feed({ kind: 'tick' }, 3999)), []);
    rig.see(limbo, 4000);
    const [write] = writes([...rig.effects, ...rig.feed({ kind: 'tick' }, 4100)]);
    t.match(write, { op: 'acquire', term: 2, resourceVersion: '10', holder: SELF });
    t.end();
  },
);

await t.test(
  'a renewal of the holder begins the wait anew; the wall clock is not looked at',
  (t) => {
    const rig = Rig.fenced(lease({}));
    rig.feed(
      { kind: 'lease', lease: lease({ resourceVersion: '11', renewTime: '1970-01-01' }) },
      3000,
    );
    rig.see(limbo, 6900);
    t.same(writes(rig.effects), []);
    t.end();
  },
);

await t.test('a stall drops the window: what was not watched is no silence', (t) => {
  const rig = Rig.fenced(lease({}));
  rig.feed({ kind: 'stalled' }, 5000);
  rig.see(limbo, 5001);
  t.same(writes(rig.effects), []);
  t.end();
});

await t.test('who is no candidate does not acquire from a silent holder', (t) => {
  const rig = Rig.fenced(lease({ record: { candidates: [candidate(1)] } }));
  rig.see(limbo, 60_000);
  t.same(writes(rig.effects), []);
  t.end();
});

await t.test('a promise to the holder keeps a candidate from acquiring', (t) => {
  const rig = Rig.fenced(lease({}));
  rig.now = 3900;
  rig.peer(1, { failsafeRound: 7, agentId: 'x' });
  rig.see(limbo, 5000);
  t.same(writes(rig.effects), []);
  t.match(rig.state.promise, { agentId: 'x', round: 7 });
  t.end();
});

await t.test('foreign data are not overwritten, and it is said', (t) => {
  const rig = Rig.fenced(lease({ record: { datasets: {} } }));
  rig.see({ ...limbo, replid: 'zzz' }, 500);
  t.notOk(kinds(rig.effects).includes('attach'));
  t.match(rig.state.problem, /RO_DATA_CONFLICT/);
  t.end();
});

await t.test('a fenced replica attaches to the master of the term once its id is recorded', (t) => {
  const unopened = Rig.fenced(lease({ term: 2 }));
  t.notOk(kinds(unopened.effects).includes('attach'), 'the id of term 2 is not recorded yet');
  const rig = Rig.fenced(lease({}));
  t.match(rig.effects, [{ kind: 'attach', host: '10.0.0.1', replid: 'aaa' }]);
  t.end();
});

/** Leading in term 1 with one synced replica. */
function leadingRig(): Rig {
  const rig = Rig.fenced(
    lease({
      holder: null,
      term: 0,
      record: { lineage: [{ replid: 'aaa', term: 0, start: 0 }] },
    }),
  );
  for (let ms = 0; rig.state.phase !== 'Leading' && ms < 1000; ms += 20) answer(rig, ms);
  return rig;
}

/** Carries out what the core asked for, as a willing Redis and API server would. */
function answer(rig: Rig, atMs: number): void {
  const asked = rig.effects.splice(0);
  for (const effect of asked) {
    if (effect.kind === 'write-lease') {
      const version = String(Number(effect.write.resourceVersion) + 1);
      const written = {
        ...effect.write,
        resourceVersion: version,
        renewTime: `r${version}`,
        force: null,
      };
      rig.feed({ kind: 'lease-written', id: effect.id, outcome: 'ok', lease: written }, atMs);
    } else if (effect.kind === 'limbo') {
      rig.feed(
        {
          kind: 'redis-done',
          id: effect.id,
          result: { ok: true, instance: { ...limbo, offset: 120 } },
        },
        atMs,
      );
    } else if (effect.kind === 'promote' || effect.kind === 'open') {
      rig.feed({ kind: 'redis-done', id: effect.id, result: { ok: true, instance: master } }, atMs);
    } else if (effect.kind === 'fence-remote') {
      for (const { uid } of effect.targets) {
        rig.feed({ kind: 'remote-fenced', uid, isConfirmed: true, instance: null }, atMs);
      }
    }
  }
  const isMaster = rig.state.phase === 'Leading' || rig.state.phase === 'Promoting';
  rig.peer(1, {
    agentId: 'p1',
    role: 'replica',
    frozenTerm: 99,
    inSync: true,
    instance: {
      ...limbo,
      runId: 'run1',
      replid: isMaster ? 'bbb' : 'aaa',
      linkUp: true,
      upstream: '10.0.0.0:6379',
    },
  });
  if (isMaster) rig.see(master, atMs);
  rig.feed({ kind: 'tick' }, atMs);
}

await t.test('before NO ONE every instance not known to be no master is fenced', (t) => {
  const rig = Rig.fenced(lease({ holder: SELF, term: 2 }));
  rig.state = { ...rig.state, validUntil: 10_000, renewSentAt: 0 };
  rig.feed({ kind: 'tick' }, 10);
  rig.feed({ kind: 'tick' }, 20);
  const seen = kinds(rig.effects);
  t.ok(seen.includes('fence-remote'));
  t.notOk(seen.includes('promote'));
  t.end();
});

await t.test('a goal that was missed and whose giver is gone: the replicas are compared', (t) => {
  const candidates = [candidate(0), candidate(1), candidate(2)];
  const rig = Rig.fenced(lease({ record: { candidates } }), [pod(0), pod(1), pod(2)]);
  const previous = { pod: 'redis-1', uid: 'u1', address: '10.0.0.1' };
  const record = { candidates, goal: 200, decided: true, basisMs: 0, previous };
  rig.feed({
    kind: 'lease',
    lease: lease({ resourceVersion: '12', holder: SELF, term: 2, record }),
  });
  rig.feed({ kind: 'pods', pods: [pod(0), pod(2)] });
  const fresher = { ...limbo, runId: 'run2', offset: 200, upstream: '127.0.0.1:1' };
  rig.effects = [];
  for (let ms = 0; ms < 4000 && writes(rig.effects).length === 0; ms += 50) {
    rig.now = ms;
    rig.state = { ...rig.state, validUntil: 10_000, renewSentAt: ms };
    rig.peer(2, { agentId: 'p2', role: 'limbo', frozenTerm: 2, term: 2, instance: fresher });
    rig.see(limbo, ms);
  }
  t.notOk(kinds(rig.effects).includes('promote'), 'it lacks what redis-2 has');
  t.match(writes(rig.effects)[0], { op: 'transfer', holder: { pod: 'redis-2' } });
  t.end();
});

/** Cold start beside redis-1, whose claim is recorded with more data than redis-0 has. */
function coldStart(
  own: Instance,
  other: Instance | null,
  history: GroupRecord['history'] = [],
): Rig {
  const pods = [0, 1].map((n) => pod(n, { volume: `pvc/data-redis-${n}` }));
  const entry = (n: number, offset: number) => ({
    [`redis-${n}`]: { volume: `pvc/data-redis-${n}`, replid: 'aaa', offset, keys: 50 },
  });
  const record = {
    candidates: [candidate(8)],
    datasets: { ...entry(0, 500), ...entry(1, own.aof ? 500 : 9000) },
    history,
  };
  const rig = Rig.fenced(lease({ holder: null, record }), other === null ? pods.slice(0, 1) : pods);
  const self = { ...config.self, volume: 'pvc/data-redis-0' };
  rig.state = { ...rig.state, config: { ...config, self } };
  rig.effects = [];
  for (let ms = 0; ms < 20_000; ms += 200) {
    rig.now = ms;
    if (other !== null) {
      const changes = { agentId: 'p1', role: 'limbo', volume: 'pvc/data-redis-1' } as const;
      rig.peer(1, { ...changes, instance: { ...other, upstream: '127.0.0.1:1' } });
    }
    rig.see(own, ms);
  }
  return rig;
}

await t.test('cold start: a member that loads shows no keys yet, and is waited for', (t) => {
  const loading = { ...limbo, runId: 'run1', loading: true, keys: 0, offset: 0, replid: 'zzz' };
  t.same(
    writes(coldStart({ ...limbo, keys: 0, replid: 'new' }, loading).effects),
    [],
    'by an empty one',
  );
  t.same(writes(coldStart(limbo, loading).effects), [], 'and by an older one');
  const loaded = { ...limbo, runId: 'run1', offset: 100, keys: 50 };
  t.equal(writes(coldStart(limbo, loaded).effects)[0]?.op, 'acquire', 'not once it has loaded');
  t.end();
});

await t.test('cold start from AOFs: who opened writes last is waited for', (t) => {
  const reborn = { ...limbo, replid: 'zzz', aof: true, keys: 50 };
  const history = [{ term: 1, holder: 'redis-1', reason: '', at: '' }];
  t.same(writes(coldStart(reborn, null, history).effects), []);
  const own = [{ term: 1, holder: 'redis-0', reason: '', at: '' }];
  t.equal(writes(coldStart(reborn, null, own).effects)[0]?.op, 'acquire', 'by all others');
  t.end();
});

await t.test('a holder whose pod object is gone may still be valid: its Lease must be old', (t) => {
  const record = { candidates: [candidate(1)] };
  const rig = Rig.fenced(lease({ record }));
  rig.feed(
    { kind: 'lease', lease: lease({ resourceVersion: '11', renewTime: 'r2', record }) },
    5000,
  );
  rig.feed({ kind: 'pods', pods: [pod(0)] }, 5010);
  rig.effects = [];
  for (let ms = 5010; ms < 5000 + config.timing.waitMs; ms += 50) rig.see(limbo, ms);
  t.same(writes(rig.effects), [], 'not before the wait is over');
  for (let ms = 9000; ms < 12_000; ms += 50) rig.see(limbo, ms);
  t.equal(writes(rig.effects)[0]?.op, 'acquire', 'but then');
  t.end();
});

await t.test(
  "the basis of a predecessor's nomination dies with it: clocks restart at a reboot",
  (t) => {
    const rig = new Rig();
    rig.feed({ kind: 'pods', pods: [pod(0)] });
    rig.see(limbo);
    const record = { basisMs: 864_000_000, decided: true };
    rig.feed({
      kind: 'lease',
      lease: lease({ holder: { ...SELF, agentId: 'a' }, term: 2, record }),
    });
    const [write] = writes(rig.effects);
    t.match(write?.record, { basisMs: null, decided: false });
    const ahead = Rig.fenced(lease({}));
    ahead.feed({
      kind: 'lease',
      lease: lease({ resourceVersion: '11', holder: SELF, term: 2, record }),
    });
    t.notOk(ahead.state.validUntil > ahead.now, 'and one from the future is not believed');
    t.end();
  },
);

await t.test('an attachment that failed does not delay the promotion', (t) => {
  const rig = Rig.fenced(lease({ holder: SELF, term: 2 }));
  rig.state = { ...rig.state, validUntil: 10_000, renewSentAt: 0 };
  rig.state = { ...rig.state, pendingRedis: { id: 99, kind: 'attach', sentAt: 0 } };
  const result = { ok: false, refused: true, detail: 'connect ECONNREFUSED' } as const;
  rig.feed({ kind: 'redis-done', id: 99, result }, 10);
  rig.peer(1, { agentId: 'p1', role: 'unknown', refused: true });
  rig.feed({ kind: 'tick' }, 20);
  rig.feed({ kind: 'tick' }, 40);
  t.ok(kinds(rig.effects).includes('promote'), 'within 40 ms');
  t.end();
});

await t.test('a holder whose validity ended does not promote', (t) => {
  const rig = Rig.fenced(lease({ holder: SELF, term: 2 }));
  rig.feed({ kind: 'tick' }, 300);
  rig.feed({ kind: 'tick' }, 600);
  t.notOk(kinds(rig.effects).includes('promote'));
  t.ok(writes(rig.effects).some(({ op }) => op === 'renew'));
  t.end();
});

await t.test(
  'Boot: our own takeover shown by the watch gives no validity before its answer',
  (t) => {
    const rig = new Rig();
    rig.feed({ kind: 'pods', pods: [pod(0)] });
    rig.see(master);
    const record = { lineage: [{ replid: 'bbb', term: 1, start: 0 }] };
    const held = (agentId: string, resourceVersion: string) =>
      lease({ holder: { ...SELF, agentId }, resourceVersion, record });
    rig.feed({ kind: 'lease', lease: held('a', '10') });
    t.equal(writes(rig.effects)[0]?.op, 'renew');
    rig.feed({ kind: 'lease', lease: held('b', '11') }, 20);
    t.equal(rig.state.phase, 'Boot');
    const [effect] = rig.effects;
    if (effect?.kind !== 'write-lease') return t.fail('no write');
    const answer = { id: effect.id, outcome: 'ok', lease: held('b', '11') } as const;
    rig.feed({ kind: 'lease-written', ...answer }, 30);
    t.equal(rig.state.phase, 'Promoting');
    t.match(rig.effects.at(-1), { kind: 'open' });
    t.end();
  },
);

await t.test('Leading: master, open, its replication id recorded', (t) => {
  const rig = leadingRig();
  t.equal(rig.state.phase, 'Leading');
  t.equal(writes(rig.effects)[0]?.record.lineage.at(-1)?.replid ?? rig.state.opened?.replid, 'bbb');
  t.end();
});

await t.test('Leading: a Lease that could not be renewed for its validity fences at once', (t) => {
  const rig = leadingRig();
  rig.feed({ kind: 'tick' }, rig.state.validUntil + 1);
  t.equal(rig.state.phase, 'Fencing');
  rig.feed({ kind: 'tick' }, rig.now + 1);
  t.match(
    rig.effects.filter(({ kind }) => kind === 'limbo'),
    [{ cutClients: true }],
  );
  t.end();
});

await t.test('Leading: another holder in the Lease fences at once', (t) => {
  const rig = leadingRig();
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '99', term: 9 }) });
  t.equal(rig.state.phase, 'Fencing');
  t.end();
});

await t.test('Leading: a crash of the Redis hands the Lease to the frozen replica', (t) => {
  const rig = leadingRig();
  for (let ms = 1000; rig.effects.length > 0 && ms < 2000; ms += 20) answer(rig, ms);
  rig.effects = [];
  rig.peer(1, {
    agentId: 'p1',
    clockMs: 77,
    role: 'limbo',
    frozenTerm: 99,
    instance: { ...limbo, runId: 'run1', replid: 'bbb', upstream: '127.0.0.1:1' },
  });
  rig.feed({
    kind: 'redis',
    redis: {
      reachable: false,
      since: rig.now,
      refused: true,
      locked: false,
      detail: 'ECONNREFUSED',
      last: master,
    },
  });
  const [write] = writes(rig.effects);
  t.match(write, { op: 'transfer', holder: { pod: 'redis-1', uid: 'u1', agentId: 'p1' } });
  t.match(write?.record, { goal: null, basisMs: 77, decided: true });
  t.end();
});

await t.test('Leading: a deleted Lease is restored with the same term', (t) => {
  const rig = leadingRig();
  for (let ms = 1000; rig.effects.length > 0 && ms < 2000; ms += 20) answer(rig, ms);
  const term = rig.state.opened?.term;
  rig.effects = [];
  rig.feed({ kind: 'lease', lease: null });
  t.match(writes(rig.effects), [{ op: 'recreate', term, resourceVersion: '' }]);
  t.end();
});

await t.test(
  'HandingOver: limbo first, then a transfer whose goal is the offset that EXEC returned',
  (t) => {
    const rig = leadingRig();
    for (let ms = 1000; rig.effects.length > 0 && ms < 2000; ms += 20) answer(rig, ms);
    rig.effects = [];
    rig.feed({ kind: 'pods', pods: [pod(0, { leaving: true }), pod(1)] });
    t.equal(rig.state.phase, 'HandingOver');
    t.match(kinds(rig.effects), ['limbo']);
    const asked = rig.effects.splice(0)[0];
    if (asked?.kind !== 'limbo') return t.fail('no limbo');
    rig.feed({
      kind: 'redis-done',
      id: asked.id,
      result: { ok: true, instance: { ...limbo, offset: 120 } },
    });
    const [write] = writes(rig.effects);
    t.match(write, { op: 'transfer', holder: { pod: 'redis-1' }, record: { goal: 120 } });
    t.end();
  },
);

await t.test(
  'a younger agent of the same pod in the Lease ends this one, which touches nothing',
  (t) => {
    const rig = leadingRig();
    rig.effects = [];
    rig.feed({
      kind: 'lease',
      lease: lease({ resourceVersion: '99', holder: { ...SELF, agentId: 'c' } }),
    });
    t.same(kinds(rig.effects), ['exit']);
    t.end();
  },
);
