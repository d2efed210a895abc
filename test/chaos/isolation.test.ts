// --isolation: a master that is cut off alone stops by itself, also without its agent (scenarios 13, 15).

import t, { type Test } from 'tap';
import { declarations } from '../harness/declare.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { redisCommand } from '../harness/redis-client.ts';
import { openStage, type Scenario, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';
import type { Group } from '../harness/group.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare, linkScenario } = declarations(t, stage);
/** Redis reckons in whole seconds, and once a second: a lag of two may be three seconds by the clock. */
const BITES_MS = 3000;
/** For this machine. */
const MARGIN_MS = 300;

async function replicasNeeded(pod: Pod): Promise<string> {
  const reply = await redisCommand(pod.ip, pod.access, 'CONFIG', 'GET', 'min-replicas-to-write');
  return (reply as string[])[1] ?? '';
}

async function isIsolated(pod: Pod): Promise<void> {
  const isSet = async (): Promise<boolean> => (await replicasNeeded(pod)) === '1';
  await waitFor(`${pod.name} is isolated`, isSet, { timeoutMs: 10_000 });
}

type Isolated = { readonly scenario: Scenario; readonly group: Group; readonly master: Pod };

const agentEnv = { RO_ISOLATION: 'true' };

/** Three pods, whose master needs a replica for each write by now. */
async function start(t: Test): Promise<Isolated> {
  const started = await startScenario(t, stage, { agentEnv });
  await isIsolated(started.master);
  return started;
}

await linkScenario(
  [13],
  'isolated: a master that is cut off, with its agent frozen, stops long before another leads',
  async (t) => {
    const { scenario, group, master } = await start(t);
    const mark = performance.now();
    // Nobody is left on its side who could fence it: without isolation it would acknowledge for ever.
    master.agent.signal('SIGSTOP');
    await master.link.cut('api', ...group.others(master).map((pod) => pod.ip));
    const recoveryMs = await scenario.recovery('cut off, no agent', mark, 20_000, master);
    await holdsFor(3000, () => undefined);
    const lastMs = scenario.probe.lastAcknowledgement(master) - mark;
    t.comment(`its last acknowledgement came ${lastMs.toFixed(0)} ms after the cut`);
    t.ok(lastMs < BITES_MS + MARGIN_MS, 'it stopped by itself');
    t.ok(lastMs < recoveryMs, 'and before the other began');
    await master.link.heal();
    master.agent.signal('SIGCONT');
    const next = await oneMaster(group, { not: master });
    await isIsolated(next);
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await linkScenario(
  [11],
  'isolated: cut off from its peers alone the master keeps the Lease, and refuses writes',
  async (t) => {
    const { scenario, group, master } = await start(t);
    await master.link.cut(...group.others(master).map((pod) => pod.ip));
    const isTold = async (): Promise<boolean> =>
      (await master.state()).problem?.startsWith('RO_ISOLATED') === true;
    await waitFor('it says so', isTold, { timeoutMs: 10_000 });
    await holdsFor(3000, () => undefined);
    await master.link.heal();
    await oneMaster(group);
    await scenario.busy();
    t.equal((await master.state()).problem, null, 'until the others are back');
    await scenario.unchanged(master);
    await scenario.end(master);
  },
);

await declare([1], 'isolated: a failover is as soon as without', async (t) => {
  const { scenario, group, master } = await start(t);
  const mark = performance.now();
  master.redis.signal('SIGKILL');
  const recoveryMs = await scenario.recovery('Redis killed', mark, 20_000, master);
  t.ok(recoveryMs < 1000, 'no replica is waited for');
  const next = await oneMaster(group, { not: master });
  await isIsolated(next);
  await scenario.busy();
  await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
});

await declare([1], 'isolated: in a group of two it is not in force, and told', async (t) => {
  const { scenario, group, master } = await startScenario(t, stage, { size: 2, agentEnv });
  const [replica] = group.others(master) as [Pod];
  t.match((await master.state()).weaknesses, [
    '--isolation is not in force: it needs 3 members, and the group has 2',
  ]);
  replica.redis.hold();
  await replica.redis.process.kill();
  const mark = performance.now();
  await holdsFor(4000, () => undefined);
  t.ok(scenario.writer.largestGapMs(mark) < 1000, 'writes go on without a replica');
  replica.redis.release();
  await oneMaster(group);
  await scenario.unchanged(master);
  await scenario.end(master);
});
