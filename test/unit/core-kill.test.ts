// --kill-frozen: a Redis that hangs is killed once another may lead (DESIGN 5).

import t from 'tap';
import type { CoreConfig, Effect, Instance, LocalRedis } from '../../agent/core/model.ts';
import { reportOf } from '../../agent/core/report.ts';
import { Guard, guardRedisProcess } from '../../agent/guard.ts';
import type { Log } from '../../src/log.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import { context, kinds, lease, master, Rig, synced, writes } from './core-rig.ts';

const kills = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.kind === 'kill-redis' ? [effect] : []));

function frozen(
  rig: Rig,
  changes: Partial<Extract<LocalRedis, { reachable: false }>> = {},
): LocalRedis {
  return {
    reachable: false,
    since: rig.now - config.redisTimeoutMs,
    refused: false,
    locked: false,
    detail: 'no answer for 1000 ms',
    last: master,
    ...changes,
  };
}

function leading(changes: Partial<CoreConfig> = {}): Rig {
  return Rig.leading({ killsFrozen: true, ...changes });
}

/** Its Redis falls silent, and redis-1 gets the Lease. */
function givenAway(rig: Rig, changes: Parameters<typeof frozen>[1] = {}): void {
  synced(rig);
  rig.effects = [];
  rig.feed({ kind: 'redis', redis: frozen(rig, changes) });
  rig.written('ok');
}

await t.test('kill: a frozen Redis is killed once its Lease was given away', (t) => {
  const rig = leading();
  synced(rig);
  rig.effects = [];
  rig.feed({ kind: 'redis', redis: frozen(rig) });
  t.same(kinds(rig.effects).sort(), ['limbo', 'write-lease'], 'the Lease first');
  t.match(writes(rig.effects), [{ op: 'transfer' }]);
  rig.tick(rig.now + 500);
  t.same(kills(rig.effects), [], 'nor while its answer is awaited');
  rig.written('ok');
  t.equal(rig.state.phase, 'Fencing');
  rig.tick(rig.now + 99);
  t.same(kills(rig.effects), [], 'the limbo that waits may still be carried out');
  rig.tick(rig.now + 1);
  t.match(kills(rig.effects), [
    { runId: 'run0', reason: 'the local Redis is frozen, and redis-1 holds the Lease: killing it' },
  ]);
  rig.feed({ kind: 'kill-fault', fault: null });
  rig.pass(rig.now + 3000);
  t.equal(kills(rig.effects).length, 1, 'once');
  rig.feed({ kind: 'redis', redis: frozen(rig, { refused: true }) });
  t.equal(rig.state.phase, 'Fenced');
  t.end();
});

await t.test('kill: who was only slow, loads, is locked or is no master is spared', (t) => {
  const after = (redis: (rig: Rig) => LocalRedis): number => {
    const rig = leading();
    givenAway(rig);
    rig.feed({ kind: 'redis', redis: redis(rig) }, rig.now + 50);
    rig.pass(rig.now + 3000);
    return kills(rig.effects).length;
  };
  const last = (changes: Partial<Instance>) => (rig: Rig) =>
    frozen(rig, { last: { ...master, ...changes } });
  t.equal(
    after((rig) => frozen(rig)),
    1,
  );
  t.equal(
    after((rig) => ({ reachable: true, instance: limbo, seenAt: rig.now })),
    0,
    'slow',
  );
  t.equal(after(last({ loading: true })), 0, 'loading');
  t.equal(after(last({ role: 'replica' })), 0, 'no master');
  t.equal(
    after((rig) => frozen(rig, { last: null })),
    0,
    'never seen',
  );
  t.equal(
    after((rig) => frozen(rig, { locked: true })),
    0,
    'locked',
  );
  t.equal(
    after((rig) => frozen(rig, { refused: true })),
    0,
    'gone',
  );
  t.end();
});

await t.test('kill: an instance in limbo is left alone', (t) => {
  const rig = Rig.fenced(lease(), [pod(0), pod(1)], { killsFrozen: true });
  rig.done(limbo);
  rig.pass(5000, () => rig.feed({ kind: 'redis', redis: frozen(rig, { last: limbo }) }));
  t.same(kills(rig.effects), []);
  t.end();
});

await t.test('kill: while nobody else may lead its data are left in memory', (t) => {
  const rig = leading();
  rig.state = { ...rig.state, peers: new Map() };
  rig.effects = [];
  rig.feed({ kind: 'redis', redis: frozen(rig) });
  t.match(writes(rig.effects), [{ op: 'release' }]);
  rig.written('ok');
  rig.pass(rig.now + 3000);
  t.same(kills(rig.effects), []);
  const view = lease({ resourceVersion: '900', term: 9 });
  rig.feed({ kind: 'lease', lease: view });
  t.match(kills(rig.effects), [{ runId: 'run0' }], 'until another takes the Lease');
  t.end();
});

await t.test('kill: of a transfer without an answer another may know', (t) => {
  const rig = leading();
  synced(rig);
  rig.effects = [];
  rig.feed({ kind: 'redis', redis: frozen(rig) });
  rig.written('timeout');
  rig.pass(rig.now + 500);
  t.match(kills(rig.effects), [
    { reason: 'the local Redis is frozen, and the Lease may be held by another: killing it' },
  ]);
  t.end();
});

await t.test('kill: where it cannot be done it is told, and not tried', (t) => {
  const rig = leading();
  rig.feed({ kind: 'kill-fault', fault: 'not shared' });
  t.same(reportOf(rig.state, context).weaknesses, [
    'RO_KILL_UNAVAILABLE: --kill-frozen is not in force: not shared',
  ]);
  givenAway(rig);
  rig.pass(rig.now + 3000);
  t.same(kills(rig.effects), []);
  t.end();
});

await t.test('kill: unless it was asked for nothing is killed', (t) => {
  const rig = leading({ killsFrozen: false });
  givenAway(rig);
  rig.pass(rig.now + 3000);
  t.same(kills(rig.effects), []);
  t.end();
});

await t.test('kill: a port that throws has killed nothing, and is told', async (t) => {
  const errors: unknown[] = [];
  const log = { error: (fields: object) => errors.push(fields) } as unknown as Log;
  const throwing = { kill: () => Promise.reject(new Error('injected')) };
  const guarded = guardRedisProcess(throwing, new Guard(log));
  t.equal(await guarded.kill('run0'), 'redisProcess.kill threw: injected');
  t.equal(errors.length, 1);
});
