// Nobody holds the group: a first start, a whole group that comes back, a Lease that was deleted.

import t from 'tap';
import type { GroupRecord, Instance, LeaseWrite } from '../../agent/core/model.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import { SELF, candidate, lease, master, Rig, writes, writtenLease } from './core-rig.ts';

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

await t.test('cold start: fresher data on a missing claim are waited for until it is gone', (t) => {
  const record = {
    candidates: [candidate(8)],
    datasets: { 'redis-1': { volume: 'pvc/data-redis-1', replid: 'aaa', offset: 9000, keys: 50 } },
  };
  const rig = Rig.fenced(lease({ holder: null, record }), [pod(0)]);
  rig.pass(20_000, () => rig.see(limbo));
  t.same(writes(rig.effects), []);
  rig.feed({ kind: 'volume-gone', volume: 'pvc/data-redis-1' });
  rig.see(limbo);
  t.match(writes(rig.effects), [{ op: 'acquire' }]);
  t.end();
});

await t.test(
  '--missing-data=proceed: what is absent for a whole wait is left behind, and told',
  (t) => {
    const record = {
      candidates: [candidate(8)],
      datasets: {
        'redis-1': { volume: 'pvc/data-redis-1', replid: 'aaa', offset: 9000, keys: 50 },
      },
    };
    const view = lease({ holder: null, record });
    const rig = Rig.fenced(view, [pod(0)], { proceedsWithoutMissing: true });
    const { waitMs } = config.timing;
    rig.pass(2000, () => rig.see(limbo));
    rig.feed({ kind: 'pods', pods: [pod(0), pod(1)] });
    rig.feed({ kind: 'pods', pods: [pod(0)] });
    rig.pass(1950 + waitMs, () => rig.see(limbo));
    t.same(writes(rig.effects), [], 'it came and went meanwhile');
    rig.pass(2100 + waitMs, () => rig.see(limbo));
    t.match(writes(rig.effects)[0], {
      op: 'acquire',
      reason: /without the fresher data of redis-1/,
    });
    const empty = Rig.fenced(view, [pod(0)], { proceedsWithoutMissing: true });
    empty.pass(20_000, () => empty.see({ ...limbo, keys: 0, replid: 'new' }));
    t.same(writes(empty.effects), [], 'no empty one takes the place of data');
    t.end();
  },
);

await t.test('rule 14: empty members may lead only where no volume can still hold data', (t) => {
  const empty = { ...limbo, keys: 0, replid: 'new', offset: 0 };
  const begin = (keys: number): Rig => {
    const datasets = { 'redis-9': { volume: 'pvc/data-redis-9', replid: 'aaa', offset: 5, keys } };
    const rig = new Rig();
    rig.feed({ kind: 'pods', pods: [pod(0)] });
    rig.feed({ kind: 'lease', lease: lease({ holder: null, record: { datasets } }) });
    rig.see(empty);
    rig.pass(20_000, () => rig.see(empty));
    return rig;
  };
  t.same(writes(begin(5).effects), []);
  t.match(writes(begin(0).effects), [{ op: 'acquire' }], 'all reported empty');
  t.end();
});

await t.test('rule 14: no empty member leads while one has data of unknown descent', (t) => {
  const empty = { ...limbo, keys: 0, replid: 'new', offset: 0 };
  const begin = (discardData: string | null): Rig => {
    const rig = new Rig();
    rig.feed({ kind: 'pods', pods: [pod(0), { ...pod(1), discardData }] });
    const record = { datasets: {}, candidates: [] };
    rig.feed({ kind: 'lease', lease: lease({ holder: null, record }) });
    rig.pass(20_000, () => {
      rig.frozen(1, { replid: 'zzz', keys: 5 });
      rig.see(empty);
    });
    return rig;
  };
  const waiting = begin(null);
  t.same(writes(waiting.effects), []);
  t.match(waiting.state.problem, /RO_DATA_CONFLICT: redis-1 holds 5 keys .*discard-data=zzz/);
  t.match(writes(begin('zzz').effects), [{ op: 'acquire' }], 'a person let them go');
  t.same(writes(begin('other').effects), [], 'others, not these');
  t.end();
});

await t.test('rule 6: by a list of pods that may be old nobody is the best of all', (t) => {
  const record = { candidates: [], datasets: {} };
  const rig = Rig.fenced(lease({ holder: null, record }), [pod(0)]);
  rig.feed({ kind: 'pods', pods: [pod(0)], isStale: true });
  rig.pass(20_000, () => rig.see(limbo));
  t.same(writes(rig.effects), []);
  t.match(rig.state.problem, /list of pods may be old/);
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1)] });
  rig.see(limbo);
  t.same(writes(rig.effects), [], 'one came meanwhile, and is waited for');
  rig.feed({ kind: 'pods', pods: [pod(0)] });
  rig.pass(30_000, () => rig.see(limbo));
  t.match(writes(rig.effects), [{ op: 'acquire' }]);
  t.end();
});

await t.test('no Lease: after a whole L and three quiet seconds the best of all acquires', (t) => {
  const rig = new Rig();
  rig.feed({ kind: 'pods', pods: [pod(0)] });
  rig.feed({ kind: 'lease', lease: null });
  const look = (): void => {
    rig.frozen(1, { offset: 50 });
    rig.see(limbo);
  };
  rig.pass(2000, look);
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1)] });
  rig.pass(4950, look);
  t.same(writes(rig.effects), [], 'the list of pods changed lately');
  rig.pass(5050, look);
  t.match(writes(rig.effects), [{ op: 'acquire', term: 1, resourceVersion: '', holder: SELF }]);
  t.end();
});

await t.test('no Lease: a living holder has a whole L to restore it', (t) => {
  const rig = Rig.fenced(lease());
  rig.feed({ kind: 'lease', lease: null }, 10_000);
  const look = (): void => {
    rig.frozen(1, { offset: 50 });
    rig.see(limbo);
  };
  rig.pass(10_000 + config.timing.waitMs - 50, look);
  t.same(writes(rig.effects), []);
  rig.pass(10_000 + config.timing.waitMs, look);
  t.match(writes(rig.effects), [{ op: 'acquire' }]);
  t.end();
});

await t.test('no Lease: every member must have spoken', (t) => {
  const rig = Rig.fenced(null);
  rig.pass(20_000, () => rig.see(limbo));
  t.same(writes(rig.effects), []);
  t.match(rig.state.problem, /waiting to hear from redis-1/);
  t.end();
});

await t.test('the first who acquires lists all members, so that any of them can go on', (t) => {
  const rig = Rig.fenced(null);
  rig.pass(5000, () => {
    rig.frozen(1, { offset: 50 });
    rig.see(limbo);
  });
  t.same(writes(rig.effects)[0]?.record.candidates, [candidate(0), candidate(1)]);
  t.end();
});

await t.test("rule 15: a deleted Lease's record and term are remembered", (t) => {
  const datasets = { 'redis-1': { volume: 'u1', replid: 'aaa', offset: 80, keys: 5 } };
  const history = [{ term: 1, holder: 'redis-1', reason: 'first', at: '' }];
  const rig = Rig.fenced(lease({ term: 2, record: { datasets, history } }));
  rig.feed({ kind: 'lease', lease: null });
  rig.pass(5000, () => {
    rig.frozen(1, { offset: 50 });
    rig.see(limbo);
  });
  const [write] = writes(rig.effects);
  t.match(write, { op: 'acquire', term: 102, resourceVersion: '' });
  t.match(write?.record, { lineage: [{ replid: 'aaa', term: 1 }], datasets, history });
  t.end();
});

await t.test("rule 15: pods' mirrors restore lineage, datasets and opening", (t) => {
  const lineage = [{ replid: 'aaa', term: 7, start: 0 }];
  const opening = { term: 7, holder: 'redis-1', reason: 'opened', at: '' };
  const dataset = (n: number) => ({ volume: `u${n}`, replid: 'aaa', offset: 100, keys: 5 });
  const rig = Rig.fenced(null, [
    pod(0, { mirror: { term: 7, lineage, dataset: dataset(0), opening } }),
    pod(1, {
      mirror: { term: 6, lineage: [], dataset: dataset(1), opening: { ...opening, term: 6 } },
    }),
  ]);
  rig.pass(5000, () => {
    rig.frozen(1, { offset: 50 });
    rig.see(limbo);
  });
  const [write] = writes(rig.effects);
  t.match(write, { op: 'acquire', term: 107 });
  t.same(write?.record.lineage, lineage);
  t.same(write?.record.datasets, { 'redis-0': dataset(0), 'redis-1': dataset(1) });
  t.same(write?.record.history[0], opening);
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

await t.test('all are gone: new pods come one by one, and are given a second', (t) => {
  const rig = Rig.fenced(lease({ record: { candidates: [candidate(1)] } }), [pod(0)]);
  const look = (): void => {
    rig.frozen(2, { offset: 50 });
    rig.see(limbo);
  };
  rig.pass(3900, () => rig.see(limbo));
  rig.feed({ kind: 'pods', pods: [pod(0), pod(2)] });
  rig.pass(4850, look);
  t.same(writes(rig.effects), []);
  rig.pass(5000, look);
  t.match(writes(rig.effects), [{ op: 'acquire' }]);
  t.end();
});

await t.test('rule 6: a first master is decided while everybody is heard', (t) => {
  const pods = [pod(0), pod(1), pod(2)];
  const rig = new Rig();
  rig.feed({ kind: 'pods', pods });
  rig.feed({ kind: 'lease', lease: null });
  const others = (): void => void rig.frozen(1, { offset: 50 });
  /** redis-2 has the newest data, and falls silent at that time. */
  const pass = (untilMs: number, silentFrom: number): void =>
    rig.pass(untilMs, () => {
      others();
      if (rig.now < silentFrom) rig.frozen(2, { offset: 500 });
      rig.see(limbo);
      for (const effect of rig.effects.splice(0)) {
        if (effect.kind === 'fence-remote') {
          for (const { uid } of effect.targets) {
            const isConfirmed = uid !== 'u2';
            rig.feed({ kind: 'remote-fenced', uid, isConfirmed, instance: null });
          }
        }
        if (effect.kind === 'promote') {
          promotions.push(rig.now);
          rig.done(master);
        }
        if (effect.kind !== 'write-lease') continue;
        asked.push(effect.write);
        const view = writtenLease(effect.write);
        rig.feed({ kind: 'lease-written', id: effect.id, outcome: 'ok', lease: view });
      }
    });
  const asked: LeaseWrite[] = [];
  const promotions: number[] = [];
  const silentFrom = config.timing.waitMs + 100;
  pass(silentFrom + 10_000, silentFrom);
  t.same(promotions, [], 'its data may be the newest');
  t.match(rig.state.problem ?? rig.state.reason, /redis-2/, 'and it is told who is waited for');
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1)] });
  pass(rig.now + 10_000, 0);
  t.equal(asked.at(-1)?.holder?.pod, 'redis-0', 'once its pod is gone the others go on');
  t.end();
});

await t.test(
  'all are gone: the API server is asked for each by UID, a watch is not enough',
  (t) => {
    const rig = Rig.fenced(lease({ record: { candidates: [candidate(2)] } }), [pod(0)]);
    rig.saysGone = false;
    rig.pass(4950, () => rig.see(limbo));
    t.same(writes(rig.effects), []);
    const asked = rig.effects.filter(({ kind }) => kind === 'look-for-pods');
    t.equal(asked.length, 1, 'once in a second');
    t.match(asked, [
      {
        pods: [
          { pod: 'redis-1', uid: 'u1' },
          { pod: 'redis-2', uid: 'u2' },
        ],
      },
    ]);
    rig.feed({ kind: 'pod-gone', uid: 'u1' });
    rig.effects = [];
    rig.pass(6000, () => rig.see(limbo));
    t.same(writes(rig.effects), []);
    t.match(rig.effects[0], { pods: [{ uid: 'u2' }] }, 'again after a second, only for the others');
    rig.feed({ kind: 'pod-gone', uid: 'u2' });
    rig.see(limbo);
    t.match(writes(rig.effects), [{ op: 'acquire' }]);
    t.end();
  },
);
