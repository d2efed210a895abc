// Row of Boot: beside what an agent starts; and what one agent of a pod owes to another.

import t from 'tap';
import type { GroupRecord, Instance, LocalRedis } from '../../agent/core/model.ts';
import { reportOf } from '../../agent/core/report.ts';
import { selfMember } from '../../agent/core/view.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import { SELF, master, lease, context, Rig, writes, kinds, silent } from './core-rig.ts';

await t.test('Boot: a master that no Lease names is fenced and its clients are cut', (t) => {
  const rig = new Rig();
  rig.feed({ kind: 'pods', pods: [pod(0)] });
  rig.feed({ kind: 'lease', lease: null });
  const effects = rig.see(master);
  t.match(effects, [{ kind: 'limbo', cutClients: true }]);
  t.equal(rig.state.phase, 'Fenced');
  t.end();
});

await t.test('Boot: without an API server a master is fenced after F, all else after 2 s', (t) => {
  const rig = new Rig();
  rig.see(master, config.timing.fenceMs - 1);
  t.equal(rig.state.phase, 'Boot');
  t.match(rig.see(master, config.timing.fenceMs), [{ kind: 'limbo', cutClients: true }]);
  t.equal(rig.state.phase, 'Fenced');
  const replica = new Rig();
  replica.see(limbo, 1999);
  t.equal(replica.state.phase, 'Boot');
  replica.see(limbo, 2000);
  t.equal(replica.state.phase, 'Fenced');
  t.end();
});

await t.test('Boot: beside a replica the agent follows, and beside limbo it is fenced', (t) => {
  const begin = (instance: Instance): Rig => {
    const rig = new Rig();
    rig.feed({ kind: 'pods', pods: [pod(0), pod(1)] });
    rig.feed({ kind: 'lease', lease: lease() });
    rig.see(instance);
    return rig;
  };
  const beside = begin({ ...limbo, upstream: { host: '10.0.0.1', port: 6379 }, linkUp: true });
  t.equal(beside.state.phase, 'Following');
  t.same(kinds(beside.effects), [], 'a stream that runs is not touched');
  t.equal(begin(limbo).state.phase, 'Fenced');
  t.end();
});

/** The agent restarted; the Lease names its predecessor, the record knows run0 and `bbb`. */
function restart(instance: Instance, record: Partial<GroupRecord> = {}): Rig {
  const rig = new Rig();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1)] });
  rig.see(instance);
  const lineage = [{ replid: 'bbb', term: 1, start: 0 }];
  const view = lease({ holder: { ...SELF, agentId: 'a' }, record: { lineage, ...record } });
  rig.feed({ kind: 'lease', lease: view });
  return rig;
}

await t.test('rule 16: the recorded master is resumed, and opened again', (t) => {
  const rig = restart(master);
  rig.written('ok', 20);
  t.equal(rig.state.phase, 'Promoting');
  t.equal(kinds(rig.effects).at(-1), 'open', 'the guard may still be on');
  rig.done(master, 30);
  t.equal(rig.state.phase, 'Leading');
  t.end();
});

await t.test('rule 16: a master of another run or replication id is fenced', (t) => {
  const strangers = [
    restart({ ...master, runId: 'another' }),
    restart({ ...master, replid: 'another' }),
    restart(master, { candidates: [] }),
  ];
  for (const rig of strangers) {
    rig.written('ok', 20);
    t.equal(rig.state.phase, 'Fencing');
  }
  const replica = restart(limbo);
  replica.written('ok', 20);
  t.equal(replica.state.phase, 'Deciding', 'no master: the group decides');
  t.end();
});

await t.test('rule 16: a master whose Lease is not renewed within F is fenced', (t) => {
  const rig = restart(master);
  rig.tick(config.timing.fenceMs);
  t.equal(rig.state.phase, 'Boot');
  rig.tick(config.timing.fenceMs + 1);
  t.match(rig.effects.at(-1), { kind: 'limbo', cutClients: true });
  t.equal(rig.state.phase, 'Fenced');
  t.end();
});

await t.test('rule 16: beside a Redis that lets nobody in the Lease is kept', (t) => {
  const rig = restart(master);
  rig.feed({ kind: 'redis', redis: { ...silent(0, false), locked: true } as LocalRedis });
  rig.written('ok', 20);
  rig.effects = [];
  rig.tick(20 + config.timing.renewMs);
  t.equal(rig.state.phase, 'Boot');
  t.match(writes(rig.effects), [{ op: 'renew' }]);
  t.match(rig.state.problem, /RO_REDIS_AUTH/);
  rig.see(master, rig.now + 10);
  t.equal(rig.state.phase, 'Promoting', 'the password is right again');
  t.end();
});

await t.test('rule 17: a renewal by another agent of the pod clears what was decided', (t) => {
  const [write] = writes(restart(limbo, { decided: true }).effects);
  t.match(write, { op: 'renew', term: 1, holder: SELF, record: { decided: false } });
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

await t.test(
  'a younger agent of the same pod in the Lease ends this one, which touches nothing',
  (t) => {
    const rig = Rig.leading();
    rig.effects = [];
    rig.feed({
      kind: 'lease',
      lease: lease({ resourceVersion: '99', holder: { ...SELF, agentId: 'c' } }),
    });
    t.same(kinds(rig.effects), ['exit']);
    t.end();
  },
);

await t.test("an agent's volume is known from its configuration, listed or not", (t) => {
  const volume = 'pvc/data-redis-0';
  const rig = Rig.fenced(lease(), [pod(1)], { self: { ...SELF, volume } });
  t.equal(selfMember(rig.state)?.volume, volume);
  t.equal(reportOf(rig.state, context).volume, volume);
  t.end();
});
