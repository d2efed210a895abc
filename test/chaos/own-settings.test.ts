// What people set in their Redis and the agents have to live with (scenario 68).

import t from 'tap';
import { declarations } from '../harness/declare.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { redisCommand } from '../harness/redis-client.ts';
import { openStage, startScenario } from '../harness/scenario.ts';
import { waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);
const UNREPLICATED_MS = 200;

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
