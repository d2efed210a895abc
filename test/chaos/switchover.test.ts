// A change of master that a person asks for (scenarios 43, 44).

import t from 'tap';
import { declarations } from '../harness/declare.ts';
import { eventOf } from '../harness/events.ts';
import type { Group } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { withRedis } from '../harness/redis-client.ts';
import { openStage, startScenario } from '../harness/scenario.ts';
import { waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);

function other(group: Group, master: Pod): Pod {
  const [pod] = group.others(master);
  if (pod === undefined) throw new Error('the group has no replica');
  return pod;
}

await declare(
  [43],
  'a switchover to a named pod under load: it leads, and nothing is lost',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const target = other(group, master);
    const mark = performance.now();
    const id = await group.requestSwitchover(target);
    await scenario.writer.firstAfter(mark, 10_000, master.ip);
    const after = await oneMaster(group, { not: master });
    t.equal(after.name, target.name, 'the pod that was named');
    const detail = `${target.name} leads since term ${(await target.state()).term}`;
    await waitFor(
      'the old master tells that it is done',
      async () => (await master.state()).request?.outcome === 'done',
      { timeoutMs: 5000 },
    );
    t.match((await master.state()).request, { id, outcome: 'done', detail });
    const { note } = await eventOf(group, 'SwitchoverCompleted', `StatefulSet/${group.name}`);
    t.match(note, new RegExp(`^${master.name} → ${target.name} is master`));
    t.comment(`writes paused for ${scenario.writer.largestGapMs(mark).toFixed(0)} ms`);
    await scenario.end(after);
  },
);

await declare(
  [43],
  'a switchover whose target freezes at that moment: the old master leads again, nothing is lost',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const target = other(group, master);
    const term = (await group.lease())?.term ?? 0;
    target.redis.signal('SIGSTOP');
    const mark = performance.now();
    await group.requestSwitchover(target);
    await waitFor(
      'the Lease came back',
      async () => {
        const lease = await group.lease();
        return lease !== undefined && lease.term >= term + 2 && lease.podName === master.name;
      },
      { timeoutMs: 10_000, picture: async () => JSON.stringify(await group.lease()) },
    );
    await scenario.busy();
    t.comment(`writes paused for ${scenario.writer.largestGapMs(mark).toFixed(0)} ms`);
    t.ok(scenario.writer.largestGapMs(mark) < 4000, 'writes flow again within four seconds');
    target.redis.signal('SIGCONT');
    const after = await oneMaster(group);
    t.equal(after.name, master.name, 'the old master');
    t.match((await master.state()).request, { outcome: 'undone', detail: /did not open term/ });
    await eventOf(group, 'SwitchoverUndone', `StatefulSet/${group.name}`);
    await scenario.end(after);
  },
);

await declare(
  [44],
  'a switchover to a replica that lags is refused with the reason, without a pause',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const target = other(group, master);
    target.redis.signal('SIGSTOP');
    await withRedis(master.ip, group.access, async (redis) => {
      const [piece, pieces] = ['x'.repeat(2 ** 20), 6];
      for (let count = 0; count < pieces; count++) await redis.set(`large:${count}`, piece);
    });
    // It judges by its last look, which may have come between two of them.
    const areSeen = async (): Promise<boolean> =>
      ((await master.state()).offset ?? 0) > 6 * 2 ** 20;
    await waitFor("the master's agent has seen them", areSeen, { timeoutMs: 5000 });
    const mark = performance.now();
    const id = await group.requestSwitchover(target);
    const answered = async () => {
      const { request } = await master.state();
      return request?.id === id && request;
    };
    const answer = await waitFor('the request is answered', answered, { timeoutMs: 5000 });
    t.equal(answer.outcome, 'refused');
    await eventOf(group, 'SwitchoverRefused', `StatefulSet/${group.name}`);
    t.match(answer.detail, /lacks \d+ bytes|does not answer/, answer.detail);
    target.redis.signal('SIGCONT');
    await scenario.busy();
    t.ok(scenario.writer.largestGapMs(mark) < 500, 'writes flowed on');
    await group.writeRequest(JSON.stringify({ id: 'by-hand', operation: 'failover' }));
    const about = `StatefulSet/${group.name}`;
    await eventOf(group, 'SwitchoverRefused', about, /cannot be read: operation="failover"/);
    await scenario.unchanged(master);
    await scenario.end(await oneMaster(group));
  },
);
