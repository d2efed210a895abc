// Datasets that take their time: loading, full resyncs, a slow link (scenarios 48, 49, 66).

import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import { request } from 'undici';
import { declarations } from '../harness/declare.ts';
import { AGENT_PORT } from '../harness/free-ports.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { redisCommand, withRedis } from '../harness/redis-client.ts';
import {
  emptyGroup,
  openStage,
  Scenario,
  startScenario,
  UNREPLICATED_MS,
} from '../harness/scenario.ts';
import { waitFor } from '../harness/wait-for.ts';

t.setTimeout(900_000);
const stage = await openStage(t);
const { scenario: declare, linkScenario, longScenario } = declarations(t, stage);

async function infoNumber(pod: Pod, section: string, field: string): Promise<number> {
  const text = String(await redisCommand(pod.ip, pod.access, 'INFO', section));
  return Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(text)?.[1]);
}

/** Not compressible, in values of one megabyte. */
async function fill(pod: Pod, megabytes: number): Promise<void> {
  await withRedis(
    pod.ip,
    pod.access,
    async (client) => {
      for (let index = 0; index < megabytes; index++) {
        await client.set(`big:${index}`, randomBytes(1024 * 1024));
      }
    },
    10_000,
  );
}

async function status(pod: Pod, path: string): Promise<number> {
  const answer = await request(`http://${pod.ip}:${AGENT_PORT}${path}`);
  await answer.body.dump();
  return answer.statusCode;
}

await declare(
  [48],
  'the old master loads its dataset for long: not killed, not elected, not ready',
  async (t) => {
    // Redis's own means of testing: every key costs a quarter of a second at loading. It answers
    // in between after every 2 MB.
    const group = await emptyGroup(t, stage, { redisArgs: ['--key-load-delay', '250000'] });
    await group.scaleUp(3);
    const master = await oneMaster(group, { timeoutMs: 30_000 });
    await fill(master, 40);
    await oneMaster(group);
    await redisCommand(master.ip, master.access, 'SAVE');
    // Its keys are not in the file: they come by a partial resync.
    const scenario = new Scenario(t, group, (await group.lease())?.term ?? 0);
    await scenario.busy();
    const mark = performance.now();
    master.redis.signal('SIGKILL');
    await scenario.recovery('Redis killed', mark, 20_000, master);
    await waitFor('it loads', async () => (await master.state()).instance?.loading, {
      timeoutMs: 10_000,
    });
    const { pid } = master.redis.process;
    const term = (await group.lease())?.term;
    const loading = performance.now();
    let looks = 0;
    await waitFor(
      'it has loaded',
      async () => {
        const { instance } = await master.state();
        const isLoading = instance === null || instance.loading;
        if (isLoading) {
          looks++;
          if ((await status(master, '/ready')) !== 503) t.fail('ready while it loads');
          if ((await status(master, '/live')) !== 200) t.fail('not live while it loads');
        }
        return !isLoading;
      },
      { timeoutMs: 60_000, everyMs: 100 },
    );
    t.comment(`it loaded for ${(performance.now() - loading).toFixed(0)} ms`);
    t.ok(looks > 10, 'it was seen loading, and never ready');
    t.equal(master.redis.process.pid, pid, 'it was not killed');
    t.equal((await group.lease())?.term, term, 'nobody changed the role');
    const next = await oneMaster(group, { not: master, timeoutMs: 60_000 });
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await linkScenario(
  [49],
  'all replicas need a full resync at once: the master survives',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    await redisCommand(master.ip, master.access, 'CONFIG', 'SET', 'repl-backlog-size', '16384');
    const before = await infoNumber(master, 'stats', 'sync_full');
    const mark = performance.now();
    const others = group.others(master).map((pod) => pod.ip);
    await master.link.cut(...others);
    await redisCommand(master.ip, master.access, 'CLIENT', 'KILL', 'TYPE', 'replica');
    for (const ip of others)
      await redisCommand(ip, master.access, 'CLIENT', 'KILL', 'TYPE', 'master');
    await scenario.busy();
    // Much more than the backlog keeps, which is cut off in pieces only.
    for (let piece = 0; piece < 32; piece++) {
      await redisCommand(master.ip, master.access, 'SET', `large:${piece}`, 'x'.repeat(65_536));
    }
    await master.link.heal();
    await oneMaster(group, { timeoutMs: 30_000 });
    const full = (await infoNumber(master, 'stats', 'sync_full')) - before;
    t.ok(full >= 2, `both were synced in full (${full})`);
    t.ok(full <= 4, 'and not again and again');
    t.ok(scenario.writer.largestGapMs(mark) < 1000, 'writes went on');
    await scenario.unchanged(master);
    await scenario.end(master);
  },
);

/** A new replica's first sync over a link of so many kilobits a second. */
async function slowFirstSync(t: Test, megabytes: number, kilobits: number): Promise<void> {
  const { scenario, group, master } = await startScenario(t, stage, { size: 2 });
  await fill(master, megabytes);
  await oneMaster(group);
  const before = await infoNumber(master, 'stats', 'sync_full');
  const place = await stage.network.place();
  await place.link?.slow(kilobits);
  const mark = performance.now();
  const pod = await group.create('redis-2', { place });
  await waitFor('its first sync is on its way', async () => (await pod.state()).instance?.syncing, {
    timeoutMs: 30_000,
    picture: () => pod.logTail(),
  });
  const next = await oneMaster(group, { timeoutMs: 840_000 });
  t.comment(`the first sync took ${(performance.now() - mark).toFixed(0)} ms`);
  t.equal(next.name, master.name, 'the same master');
  const full = (await infoNumber(master, 'stats', 'sync_full')) - before;
  t.equal(full, 1, 'one full sync: it was never interrupted');
  t.ok(scenario.writer.largestGapMs(mark) < 1000, 'writes went on');
  await place.link?.unslow();
  await scenario.unchanged(master);
  await scenario.end(master);
}

await linkScenario(
  [66],
  'a first sync over a slow link is never interrupted (16 MB)',
  async (t) => {
    await slowFirstSync(t, 16, 8000);
  },
);

await longScenario(
  [66],
  'a first sync that lasts minutes is never interrupted (96 MB)',
  async (t) => {
    await slowFirstSync(t, 96, 6000);
  },
);
