// A master whose Redis refuses writes (MISCONF): said, or handed over, and never to and fro.

import t from 'tap';
import type { CoreConfig, Instance } from '../../agent/core/model.ts';
import { reportOf } from '../../agent/core/report.ts';
import { REFUSES_WRITES } from '../../agent/core/unwritable.ts';
import { recordOf } from '../../agent/core/view.ts';
import { pod } from './core-fixtures.ts';
import { context, lease, limboOf, master, Rig, synced, writes } from './core-rig.ts';

const full: Instance = { ...master, unwritable: 'aof' };
const following = limboOf(1, { replid: 'bbb', linkUp: true, upstream: '10.0.0.0:6379' });

function leading(changes: Partial<CoreConfig> = {}): Rig {
  const rig = Rig.leading();
  rig.state = { ...rig.state, config: { ...rig.state.config, ...changes } };
  return rig;
}

/** So long the disk of the master stays full, while redis-1 follows. */
function pass(rig: Rig, ms: number, replica: Partial<typeof following> = {}): void {
  for (const end = rig.now + ms; rig.now <= end; rig.now += 100) {
    synced(rig, { instance: { ...following, ...replica } });
    if (rig.state.pendingWrite?.write.op === 'renew') rig.written('ok');
    rig.see(full, rig.now);
  }
}

const FAILOVER = { failsOverUnwritable: true };
const problem = (rig: Rig) => reportOf(rig.state, context).problem;
const handed = (rig: Rig) => writes(rig.effects).filter(({ op }) => op === 'transfer');

await t.test('--unwritable-master=alert: it is said, and the role stays', (t) => {
  const rig = leading();
  pass(rig, 10_000);
  t.equal(rig.state.phase, 'Leading');
  t.same(handed(rig), []);
  const report = reportOf(rig.state, context);
  t.match(report.problem, /^RO_REDIS_UNWRITABLE: .*append-only file/);
  t.match(report, { isHealthy: false, isMaster: true, instance: { unwritable: 'aof' } });
  rig.see({ ...master, unwritable: 'rdb' });
  t.match(problem(rig), /snapshot/);
  rig.see(master);
  t.equal(problem(rig), null, 'its disk has room again');
  t.end();
});

await t.test('--unwritable-master=failover: handed over as planned, after two seconds', (t) => {
  const rig = leading(FAILOVER);
  pass(rig, 1900);
  t.same(handed(rig), [], 'Redis tries its file again once a second');
  pass(rig, 300);
  t.match(handed(rig)[0], {
    holder: { pod: 'redis-1' },
    term: 2,
    reason: REFUSES_WRITES,
    record: { goal: 'pending' },
  });
  t.equal(rig.state.phase, 'HandingOver', 'it serves until it is answered');
  t.end();
});

await t.test('an unwritable master stays where nobody in sync takes writes, and says so', (t) => {
  for (const replica of [{ unwritable: 'rdb' }, { priority: 0 }] as const) {
    const rig = leading(FAILOVER);
    pass(rig, 5000, replica);
    t.equal(rig.state.phase, 'Leading');
    t.same(handed(rig), []);
    t.match(rig.state.reason, /no replica in sync can take over/);
  }
  t.end();
});

await t.test('who got the term because another disk was full keeps it for five minutes', (t) => {
  const rig = leading(FAILOVER);
  const { lineage, datasets, candidates } = recordOf(rig.state);
  const term = rig.state.opened?.term ?? 0;
  const history = [{ term, holder: 'redis-0', reason: REFUSES_WRITES, at: '' }];
  const record = { lineage, datasets, candidates, history };
  const holder = rig.state.config.self;
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '99', holder, term, record }) });
  pass(rig, 60_000);
  t.equal(rig.state.phase, 'Leading');
  t.same(handed(rig), []);
  pass(rig, 245_000);
  t.not(handed(rig).length, 0);
  t.end();
});

await t.test('a switchover to a Redis that refuses writes is refused; who ends takes it', (t) => {
  const rig = leading();
  synced(rig, { instance: { ...following, unwritable: 'aof' } });
  const request = { id: 'r1', target: 'redis-1', term: 1, until: rig.now + 5000, by: 'alice' };
  rig.feed({ kind: 'request', request });
  t.match(rig.state.answer, { outcome: 'refused', detail: /refuses writes/ });
  rig.effects = [];
  rig.feed({ kind: 'pods', pods: [pod(0, { leaving: true }), pod(1)] });
  t.match(handed(rig), [{ holder: { pod: 'redis-1' } }]);
  t.end();
});

await t.test('its two seconds begin anew where writes were taken meanwhile', (t) => {
  const rig = leading(FAILOVER);
  pass(rig, 1500);
  rig.see(master);
  pass(rig, 1500);
  t.same(handed(rig), []);
  t.end();
});

await t.test('a term of long ago that began so keeps nobody', (t) => {
  const rig = leading(FAILOVER);
  const { lineage, datasets, candidates } = recordOf(rig.state);
  const entry = { holder: 'redis-0', at: '' };
  const history = [
    { ...entry, term: 0, reason: REFUSES_WRITES },
    { ...entry, term: 1, reason: 'another' },
  ];
  const record = { lineage, datasets, candidates, history };
  const holder = rig.state.config.self;
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '99', holder, term: 1, record }) });
  pass(rig, 2200);
  t.not(handed(rig).length, 0);
  t.end();
});

await t.test('a hand-over that has given nothing away ends once writes are taken again', (t) => {
  const rig = leading(FAILOVER);
  pass(rig, 2200);
  t.equal(rig.state.phase, 'HandingOver');
  rig.written('error');
  rig.see(master, rig.now + 10);
  rig.tick(rig.now + 300);
  rig.written('ok');
  t.equal(rig.state.phase, 'Leading');
  t.end();
});

await t.test('its five minutes run from its promotion, whatever the clock', (t) => {
  const rig = leading(FAILOVER);
  const { lineage, datasets, candidates } = recordOf(rig.state);
  const history = [{ term: 1, holder: 'redis-0', reason: REFUSES_WRITES, at: '' }];
  const record = { lineage, datasets, candidates, history };
  const holder = rig.state.config.self;
  const now = 1_000_000;
  rig.state = { ...rig.state, now, phaseSince: now, renewSentAt: now, validUntil: now + 2000 };
  rig.now = now;
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '99', holder, term: 1, record }) });
  pass(rig, 5000);
  t.equal(rig.state.phase, 'Leading');
  t.same(handed(rig), []);
  t.end();
});
