// Clients that sit on the old master across a demotion: idle, subscribed, blocked (scenarios 46, 47).

import t, { type Test } from 'tap';
import type { Redis } from 'ioredis';
import { declarations } from '../harness/declare.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { openRedis } from '../harness/redis-client.ts';
import { openStage, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';
import { waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);
const POOL = 20;

type Kind = 'idle' | 'subscribed' | 'blocked';

async function connect(pod: Pod, kind: Kind): Promise<Redis> {
  const client = openRedis(pod.ip, pod.access, 60_000);
  await client.connect();
  if (kind === 'idle') await client.ping();
  if (kind === 'subscribed') await client.subscribe('news');
  // Its answer is the cut.
  if (kind === 'blocked') client.blpop('never', 0).catch(() => undefined);
  return client;
}

/** Connections of these kinds to the master; told when each was cut. */
async function pool(t: Test, master: Pod, kinds: readonly Kind[]) {
  const wanted = kinds.flatMap((kind) => Array.from({ length: POOL }, () => kind));
  const clients = await Promise.all(wanted.map(async (kind) => await connect(master, kind)));
  t.teardown(() => clients.forEach((client) => client.disconnect()));
  const cutMs: number[] = [];
  let isRedisUp = true;
  for (const client of clients) {
    client.once('close', () => {
      cutMs.push(performance.now());
      isRedisUp &&= master.redis.process.isRunning;
    });
  }
  return {
    count: clients.length,
    cutMs,
    /** Each was cut by a living Redis, not by its end. */
    wasCutAlive: (): boolean => isRedisUp,
  };
}

async function handedOver(t: Test, kinds: readonly Kind[]): Promise<void> {
  const { scenario, group, master } = await startScenario(t, stage);
  const connections = await pool(t, master, kinds);
  const mark = performance.now();
  const deletion = master.delete();
  await waitFor('all are cut', () => connections.cutMs.length === connections.count, {
    timeoutMs: 10_000,
  });
  const lastMs = Math.max(...connections.cutMs) - mark;
  t.comment(`${connections.count} connections cut within ${lastMs.toFixed(0)} ms`);
  t.ok(connections.wasCutAlive(), 'by the demotion, while Redis ran on');
  await deletion;
  group.forget(master);
  const next = await oneMaster(group);
  await scenario.end(next);
}

async function deposed(t: Test, kinds: readonly Kind[]): Promise<void> {
  const { scenario, group, master } = await startScenario(t, stage);
  const connections = await pool(t, master, kinds);
  const mark = performance.now();
  master.agent.hold();
  master.agent.signal('SIGKILL');
  const recoveryMs = await scenario.recovery('its agent is gone', mark, 20_000, master);
  await waitFor('all are cut', () => connections.cutMs.length === connections.count, {
    timeoutMs: 1000,
  });
  const lastMs = Math.max(...connections.cutMs) - mark;
  t.comment(`${connections.count} connections cut within ${lastMs.toFixed(0)} ms`);
  t.ok(lastMs <= recoveryMs + 50, 'cut by the time that another served');
  t.ok(connections.wasCutAlive(), 'and its Redis runs on');
  master.agent.release();
  const next = await oneMaster(group, { not: master });
  await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
}

await declare([46], 'idle pooled clients are cut by a handover', async (t) => {
  await handedOver(t, ['idle']);
});

await declare(
  [46],
  'idle pooled clients are cut when a master without agent is deposed',
  async (t) => {
    await deposed(t, ['idle']);
  },
);

await declare([47], 'subscribed and blocked clients are cut by a handover', async (t) => {
  await handedOver(t, ['subscribed', 'blocked']);
});

await declare(
  [47],
  'subscribed and blocked clients are cut when a master without agent is deposed',
  async (t) => await deposed(t, ['subscribed', 'blocked']),
);
