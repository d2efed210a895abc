// What people see of a living group: /state is as docs/state.schema.json says, in rest and in trouble, and
// a pause holds while it lasts.

import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { eventOf } from '../harness/events.ts';
import type { Group } from '../harness/group.ts';
import { redisCommand, withRedis } from '../harness/redis-client.ts';
import { oneMaster } from '../harness/one-master.ts';
import { emptyGroup, openStage, startScenario } from '../harness/scenario.ts';
import { stateFaults } from '../harness/state-schema.ts';
import { waitFor } from '../harness/wait-for.ts';

t.setTimeout(300_000);
const stage = await openStage(t);

async function allStates(group: Group) {
  return await Promise.all(group.pods.map(async (pod) => await pod.state()));
}

async function isAsDescribed(t: Test, group: Group, when: string): Promise<void> {
  for (const state of await allStates(group)) {
    t.same(stateFaults(state), [], `${state.podName} ${when}`);
  }
}

await t.test('every agent tells the same of its group, as the schema says', async (t) => {
  const { scenario, group, master } = await startScenario(t, stage);
  // Without a Service that leads to the master a group is not as it should be, and says so.
  const path = `/api/v1/namespaces/${group.account.namespace}/services`;
  await group.admin.create(path, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'redis' },
    spec: { selector: { 'redis-role': 'master' }, ports: [{ port: 6379 }] },
  });
  await isAsDescribed(t, group, 'at rest');
  const agree = async () => {
    const views = (await allStates(group)).map(({ view }) => view);
    const first = views[0];
    const isSame = views.every(
      (view) =>
        view.summary === 'failover possible' &&
        view.health === 'healthy' &&
        JSON.stringify(view.members.map(({ pod, role, next }) => [pod, role, next])) ===
          JSON.stringify(first?.members.map(({ pod, role, next }) => [pod, role, next])),
    );
    return isSame && first;
  };
  const picture = async () => JSON.stringify((await allStates(group)).map(({ view }) => view));
  const view = await waitFor('all agree', agree, { timeoutMs: 15_000, picture });
  t.equal(view.master?.pod, master.name);
  t.match(view.members, [{ state: 'writable' }, { next: 1 }, { next: 2 }]);
  const predicted = view.members.filter(({ next }) => next !== null).map(({ pod }) => pod);

  const mark = performance.now();
  master.redis.signal('SIGKILL');
  await isAsDescribed(t, group, 'after the kill');
  await scenario.writer.firstAfter(mark, 20_000, master.ip);
  const next = await oneMaster(group, { not: master });
  // Which of two equals is a byte ahead when the master dies, nobody knows before.
  t.ok(predicted.includes(next.name), 'one of those that were said to be next');
  await isAsDescribed(t, group, 'after the failover');
  const { lastChange } = (await next.state()).view;
  t.match(lastChange, { from: master.name, to: next.name, reason: /Redis is gone/ });
  t.ok((lastChange?.pauseMs ?? -1) >= 0, `it knows its pause: ${lastChange?.pauseMs} ms`);
  await scenario.end(next, { mayLoseAfterMs: mark - 200 });
});

await t.test(
  'the record of a term tells who was compared, how long it took, what was lost',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const [target] = group.others(master);
    if (target === undefined) throw new Error('the group has three pods');
    await group.requestSwitchover(target);
    const told = await waitFor(
      'every agent tells it',
      async () => {
        const views = (await allStates(group)).map(({ view }) => view);
        const all = views.map(({ history }) => history.at(-1)?.details);
        const isTold = all.every((details) => details?.lostBytes !== undefined);
        return isTold && views;
      },
      { timeoutMs: 15_000, picture: async () => JSON.stringify(await allStates(group)) },
    );
    for (const { history, lastChange } of told) {
      const details = history.at(-1)?.details;
      t.match(details, { kind: 'planned', lostBytes: 0 });
      t.same(
        details?.among.map(({ pod }) => pod).toSorted(),
        group
          .others(master)
          .map(({ name }) => name)
          .toSorted(),
      );
      t.match(lastChange, { to: target.name, lostBytes: 0, lost: 'lost 0 B' });
      t.equal(lastChange?.pauseMs !== null, true, `${lastChange?.pauseMs} ms`);
    }
    await isAsDescribed(t, group, 'after the switchover');
    await scenario.end(target);
  },
);

await t.test(
  'a master that came back from an older snapshot says nothing of what it lost',
  async (t) => {
    const group = await emptyGroup(t, stage, { persistence: 'rdb', restartDelayMs: 2000 });
    await group.scaleUp(3);
    const master = await oneMaster(group, { timeoutMs: 60_000 });
    const ask = async (...words: [string, ...string[]]) =>
      await redisCommand(master.ip, master.access, ...words);
    const follow = async () => (await allStates(group)).filter(({ inSync }) => inSync).length === 2;
    await waitFor('both follow', follow, { timeoutMs: 30_000 });
    await ask('SAVE');
    const others = group.others(master);
    for (const { redis } of others) redis.signal('SIGSTOP');
    // A replica that stands still reads nothing, and this is more than any buffer of the kernel has.
    await ask('SET', 'big', 'x'.repeat(20_000_000));
    master.redis.signal('SIGKILL');
    await pause(100);
    for (const { redis } of others) redis.signal('SIGCONT');
    const next = await oneMaster(group, { not: master, timeoutMs: 40_000 });
    t.equal(await redisCommand(next.ip, next.access, 'EXISTS', 'big'), 0, 'it is lost');
    await waitFor('it is back', async () => (await master.state()).inSync, { timeoutMs: 30_000 });
    const told = async () => (await next.state()).view.lastChange;
    await waitFor('it is told', async () => (await told())?.lost?.endsWith('not known') === true, {
      timeoutMs: 10_000,
      picture: async () => JSON.stringify(await told()),
    });
    t.match(await told(), {
      lostBytes: null,
      lost: `what ${master.name} had beyond it is not known`,
    });
  },
);

await t.test('a second master that its agent may not stop is told by every agent', async (t) => {
  const { scenario, group, master } = await startScenario(t, stage);
  const [stray] = group.others(master);
  if (stray === undefined) throw new Error('the group has three pods');
  const mark = performance.now();
  await withRedis(stray.ip, stray.access, async (client) => {
    // In one transaction, or its agent would undo the one before the other is there.
    const forbid = ['acl', 'setuser', 'default', '-replicaof'];
    await client.multi([['replicaof', 'no', 'one'], forbid]).exec();
  });
  const summary = `split brain: ${master.name} leads, and ${stray.name} is a master as well`;
  const isTold = async () =>
    (await allStates(group)).every(({ view }) => {
      const member = view.members.find(({ pod }) => pod === stray.name);
      return view.health === 'critical' && view.summary === summary && member?.next === null;
    });
  const picture = async () => JSON.stringify((await allStates(group)).map(({ view }) => view));
  await waitFor('all agents tell it', isTold, { timeoutMs: 10_000, picture });
  t.match((await stray.state()).problem, /^RO_REDIS_COMMAND_DENIED: .*NOPERM/);
  await isAsDescribed(t, group, 'with a second master');
  await redisCommand(stray.ip, stray.access, 'ACL', 'SETUSER', 'default', '+replicaof');
  const isOver = async () =>
    (await allStates(group)).every(({ view }) => view.health !== 'critical' && view.summary);
  await waitFor('it is over', isOver, { timeoutMs: 15_000, picture });
  t.equal((await stray.state()).problem, null);
  await scenario.end(master, { mayLoseAfterMs: mark - 200, mayOverlap: true });
});

await t.test('a pause holds while it lasts: nobody takes over from a frozen master', async (t) => {
  const { scenario, group, master } = await startScenario(t, stage);
  await group.pauseFailover(3600);
  const arePaused = async () => (await allStates(group)).every(({ paused }) => paused != null);
  await waitFor('all agents know of it', arePaused, { timeoutMs: 5000 });
  await eventOf(group, 'Paused', `StatefulSet/${group.name}`, /by the test for 60 min: to see it/);
  master.redis.signal('SIGSTOP');
  await pause(6000);
  const { view } = await master.state();
  t.match(view, { health: 'critical', paused: { by: 'the test' } });
  t.same(stateFaults(await master.state()), [], 'as the schema says');
  master.redis.signal('SIGCONT');
  await scenario.busy();
  await scenario.unchanged(master);

  await group.resumeFailover();
  const areResumed = async () => (await allStates(group)).every(({ paused }) => paused === null);
  await waitFor('all agents go on', areResumed, { timeoutMs: 5000 });
  await eventOf(group, 'Resumed', `StatefulSet/${group.name}`, /paused by the test/);
  const mark = performance.now();
  master.redis.signal('SIGSTOP');
  await scenario.writer.firstAfter(mark, 20_000, master.ip);
  master.redis.signal('SIGCONT');
  await scenario.end(await oneMaster(group, { not: master }), { mayLoseAfterMs: mark - 200 });
});

await t.test('the schema describes every field', (t) => {
  const text = readFileSync(new URL('../../docs/state.schema.json', import.meta.url), 'utf8');
  t.match(stateFaults({}), [/must have required property/]);
  t.ok(JSON.parse(text), 'it is JSON');
  t.end();
});
