// What people set in their Redis and the agents have to live with (scenario 68).

import t from 'tap';
import { declarations } from '../harness/declare.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { openRedis, redisCommand } from '../harness/redis-client.ts';
import { emptyGroup, openStage, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare, linkScenario } = declarations(t, stage);

async function setting(pod: Pod, name: string): Promise<string> {
  const reply = (await redisCommand(pod.ip, pod.access, 'CONFIG', 'GET', name)) as string[];
  return reply[1] ?? '';
}

/** What a write is answered: OK, or the first word of the error. */
async function writes(pod: Pod): Promise<string> {
  const asked = redisCommand(pod.ip, pod.access, 'SET', 'stray', 'write');
  return await asked.then(String, (error: Error) => error.message.split(' ')[0] ?? '');
}

await declare(
  [68],
  'replica-read-only no: the agents set it to yes, replicas and a fenced master refuse writes',
  async (t) => {
    // Behind the fence's own flags: the last one counts, so that only the agents can mend it.
    const { scenario, group, master } = await startScenario(t, stage, {
      redisArgs: ['--replica-read-only', 'no'],
    });
    for (const pod of group.pods) {
      t.equal(await setting(pod, 'replica-read-only'), 'yes', `${pod.name}: set`);
    }
    for (const pod of group.others(master)) t.equal(await writes(pod), 'READONLY', pod.name);
    await scenario.busy();
    await master.announceDisruption();
    const next = await oneMaster(group, { not: master, without: [master] });
    t.equal(await writes(master), 'READONLY', 'the old master, in limbo');
    await master.announceDisruption(false);
    await oneMaster(group);
    await scenario.end(next);
  },
);

await declare(
  [68],
  "a person's own min-replicas-to-write: kept by whoever is master, and it binds",
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage, {
      redisArgs: ['--min-replicas-to-write', '2', '--min-replicas-max-lag', '3'],
    });
    t.equal(await setting(master, 'min-replicas-to-write'), '2', 'after the first promotion');
    const mark = performance.now();
    master.redis.signal('SIGKILL');
    await scenario.recovery('Redis killed', mark, 20_000, master);
    const next = await oneMaster(group, { not: master });
    t.equal(await setting(next, 'min-replicas-to-write'), '2', 'after a failover');
    const [replica] = group.others(next) as [Pod, Pod];
    replica.redis.hold();
    await replica.redis.process.kill();
    await waitFor('one replica is too few', async () => (await writes(next)) === 'NOREPLICAS', {
      timeoutMs: 10_000,
    });
    t.equal((await group.lease())?.podName, next.name, 'which is no reason for a failover');
    replica.redis.release();
    await oneMaster(group);
    await scenario.busy();
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

// The agents reach their Redis as in a pod, by its loopback address.
const LOCAL = { agentEnv: { RO_REDIS_HOST: '127.0.0.1' } };
const EVERYWHERE = ['--bind', '0.0.0.0'];

async function saysHidden(pod: Pod): Promise<void> {
  await waitFor(
    `${pod.name} says that nobody reaches it`,
    async () => /RO_REDIS_HIDDEN: protected-mode/.test((await pod.state()).problem ?? ''),
    { timeoutMs: 10_000, picture: () => pod.logTail() },
  );
}

await linkScenario(
  [68],
  'protected mode hides a replica: it is said, the other one is promoted, mending it is noticed',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage, {
      ...LOCAL,
      redisArgs: EVERYWHERE,
    });
    const [hidden] = group.others(master) as [Pod, Pod];
    // A connection from before stays.
    const client = openRedis(hidden.ip, hidden.access, 5000);
    await client.connect();
    t.teardown(() => client.disconnect());
    await client.config('SET', 'protected-mode', 'yes');
    hidden.agent.signal('SIGKILL');
    await saysHidden(hidden);
    t.match(await hidden.state(), { isHealthy: false, instance: { priority: 0 } });
    const mark = performance.now();
    master.redis.signal('SIGKILL');
    await scenario.recovery('Redis killed', mark, 20_000, master);
    const next = await oneMaster(group, { without: [hidden], not: master });
    t.not(next, hidden);
    t.equal(((await client.config('GET', 'protected-mode')) as string[])[1], 'yes', 'left unasked');
    await client.config('SET', 'protected-mode', 'no');
    await waitFor('noticed', async () => (await hidden.state()).problem === null, {
      timeoutMs: 10_000,
    });
    t.equal(await oneMaster(group), next);
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await linkScenario(
  [68],
  'protected mode hides the only Redis of a group: it leads, and it is said',
  async (t) => {
    const group = await emptyGroup(t, stage, {
      ...LOCAL,
      redisArgs: [...EVERYWHERE, '--protected-mode', 'yes'],
    });
    await group.scaleUp(1);
    const [pod] = group.pods as [Pod];
    await saysHidden(pod);
    await waitFor('it leads', async () => (await pod.state()).isMaster, { timeoutMs: 20_000 });
    t.equal((await group.lease())?.podName, pod.name);
  },
);

await linkScenario(
  [68],
  'bind 127.0.0.1 on all pods of a group: nobody is promoted, each says the setting and the remedy',
  async (t) => {
    const group = await emptyGroup(t, stage, { ...LOCAL, redisArgs: ['--bind', '127.0.0.1'] });
    await group.scaleUp(2);
    for (const pod of group.pods) {
      const problem = /RO_REDIS_HIDDEN: bind 127\.0\.0\.1 .*Remedy: bind/;
      await waitFor('it says so', async () => problem.test((await pod.state()).problem ?? ''), {
        timeoutMs: 10_000,
      });
    }
    await holdsFor(8000, async () => {
      const masters = await Promise.all(group.pods.map(async (pod) => (await pod.state()).role));
      if (masters.includes('master')) throw new Error('one was promoted');
    });
  },
);
