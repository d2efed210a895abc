// The master's disk is full: Redis refuses writes and goes on answering (scenario 50). Its volume is a
// small file system of its own, in a mount namespace that ends with the process; or a snapshot fails.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { declarations } from '../harness/declare.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { withRedis } from '../harness/redis-client.ts';
import { emptyGroup, openStage, Scenario, startScenario } from '../harness/scenario.ts';
import { spoilSnapshots } from '../harness/snapshots.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
// A mount needs what a network namespace needs.
const { scenario: declareAnywhere, unless } = declarations(t, stage);
const declare = unless(stage.network.whyNoLinks);
const run = promisify(execFile);
const MEGABYTE = 1024 * 1024;

/** Mounts the volume, then becomes the program: the process that is started is Redis itself. */
function onSmallDisk(volume: string, megabytes: number): string[] {
  const mount = `mount -t tmpfs -o size=${megabytes}m disk '${volume}' && exec "$@"`;
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mount, 'sh'];
}

/** Gives the disk room, from within the namespace that has it. */
async function enlarge(pod: Pod, volume: string, megabytes: number): Promise<void> {
  const { pid } = pod.redis.process;
  const options = `remount,size=${megabytes}m`;
  await run('nsenter', ['--target', String(pid), '--mount', 'mount', '-o', options, volume]);
}

/** Until Redis says that its disk is full. */
async function fill(pod: Pod): Promise<string> {
  return await withRedis(pod.ip, pod.access, async (client) => {
    const text = 'x'.repeat(MEGABYTE / 4);
    return await waitFor(
      'Redis refuses writes',
      async () => {
        const answer = await client.set('filler', text).catch((error: Error) => error.message);
        return answer !== 'OK' && answer !== null ? answer : undefined;
      },
      { timeoutMs: 20_000, everyMs: 1 },
    );
  });
}

await declare(
  [50],
  "the master's disk is full: it is said, it stays master, nothing is lost, room mends it",
  async (t) => {
    const group = await emptyGroup(t, stage, { persistence: 'aof' });
    const place = await stage.network.place();
    const volume = group.volume('data-redis-0');
    const enter = [...place.enter, ...onSmallDisk(volume, 8)];
    const master = await group.create('redis-0', { place: { ...place, enter } });
    await oneMaster(group, { timeoutMs: 30_000 });
    await group.scaleUp(3);
    t.equal(await oneMaster(group, { timeoutMs: 30_000 }), master, 'the one with the small disk');
    const scenario = new Scenario(t, group, (await group.lease())?.term ?? 0);
    await scenario.busy();
    const refusal = await fill(master);
    t.match(refusal, /^MISCONF .*(?:AOF|disk)/, 'it says why');
    const mark = performance.now();
    await holdsFor(6000, async () => {
      const lease = await group.lease();
      if (lease?.podName !== master.name) throw new Error(`${lease?.podName} holds the Lease`);
    });
    const refused = [...scenario.writer.errors].filter(([text]) => text.startsWith('MISCONF'));
    t.ok(refused.length > 0, 'clients are refused all the while');
    t.ok(scenario.writer.largestGapMs(mark) > 5000, 'nobody else takes the writes');
    const state = await master.state();
    t.match(state.problem, /^RO_REDIS_UNWRITABLE: .*append-only file.*disk room/);
    t.equal(state.isHealthy, false);
    const told = master.agent.process.tail(10_000).match(/"code":"RO_REDIS_UNWRITABLE"/g);
    t.equal(told?.length, 1, 'the log says it once');

    await enlarge(master, volume, 64);
    await scenario.busy();
    await waitFor('its agent is content', async () => (await master.state()).problem === null, {
      timeoutMs: 5000,
    });
    t.equal(await oneMaster(group), master, 'the same master');
    await scenario.unchanged(master);
    await scenario.end(master);
  },
);

await declareAnywhere(
  [50],
  '--unwritable-master=failover: handed over without a loss, and not once more',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage, {
      agentEnv: { RO_UNWRITABLE_MASTER: 'failover' },
      // Else a replica whose disk is full ends itself at the next write (Redis 7).
      redisArgs: ['--replica-ignore-disk-write-errors', 'yes'],
    });
    // Where the best one starts to look late, the first election already took two terms.
    const term = (await group.lease())?.term ?? 0;
    const mark = performance.now();
    await spoilSnapshots(group, master);
    await scenario.recovery('the disk is full', mark, 20_000, master);
    const next = await oneMaster(group, { not: master });
    t.equal((await group.lease())?.term, term + 1, 'one change of role');
    const old = await master.state();
    t.match(old, { isHealthy: false, instance: { unwritable: 'rdb' } });
    t.match(old.problem, /RO_REDIS_UNWRITABLE: .*snapshot/);

    const mend = await spoilSnapshots(group, next);
    await holdsFor(8000, async () => {
      const lease = await group.lease();
      if (lease?.podName !== next.name) throw new Error(`${lease?.podName} holds the Lease`);
    });
    t.match((await next.state()).problem, /RO_REDIS_UNWRITABLE/);
    await mend();
    await scenario.busy();
    t.equal(await oneMaster(group), next, 'the role stays where it is');
    await scenario.end(next);
  },
);
