// Promotion in two steps: a master behind the guard, then writes with the configured value.

import t, { type Test } from 'tap';
import type { Redis } from 'ioredis';
import { isLimbo } from '../../agent/core/view.ts';
import { limbo, look, openWrites, promoteGuarded } from '../../agent/redis/commands.ts';
import { GUARD_REPLICAS } from '../../agent/redis/write-terms.ts';
import { connect, REDIS_MAJOR, type Server, shows, Stage, write } from './setup.ts';
import { Watched } from './watched.ts';

const stage = await Stage.open(t);
const GUARD = String(GUARD_REPLICAS);
const FOREVER = Number.POSITIVE_INFINITY;

async function fenced(
  t: Test,
  args: readonly string[] = [],
): Promise<{ server: Server; redis: Redis }> {
  const server = await stage.serve({ bootFence: true, args });
  return { server, redis: await connect(t, server) };
}

await t.test('a guarded promotion makes a master that accepts no write', async (t) => {
  const { server, redis } = await fenced(t);
  const instance = await promoteGuarded(redis, 0);
  t.match(instance, { role: 'master', upstream: null });
  t.equal(await write(redis), 'NOREPLICAS');
  t.equal(await write(await connect(t, server)), 'NOREPLICAS', 'nor on a new connection');
  await t.rejects(redis.multi().set('key', 'value').exec(), { message: /EXECABORT/ });
  t.equal(await redis.dbsize(), 0);
});

await t.test(
  REDIS_MAJOR >= 7
    ? 'nor does it accept a write by a script'
    : 'before 7.0 a script writes behind the guard: the one thing that it does not hold back',
  async (t) => {
    const { redis } = await fenced(t);
    await promoteGuarded(redis, 0);
    const script = redis.eval("return redis.call('SET', KEYS[1], 'value')", 1, 'key');
    if (REDIS_MAJOR >= 7) await t.rejects(script, { message: /NOREPLICAS/ });
    else t.equal(await script, 'OK');
  },
);

await t.test('a replica that links up does not lift the guard', async (t) => {
  const { server, redis } = await fenced(t, ['--repl-diskless-sync-delay', '0']);
  await promoteGuarded(redis, 0);
  const replica = await stage.serve();
  await replica.command('REPLICAOF', server.address, '6379');
  await shows(replica, 'follows', (seen) => seen.linkUp);
  t.equal(await write(redis), 'NOREPLICAS');
});

await t.test('carried out late, by a Redis that thaws, it still accepts no write', async (t) => {
  const { server } = await fenced(t);
  const hasty = await connect(t, server, {}, 50);
  const client = await connect(t, server);
  await server.freeze();
  await t.rejects(promoteGuarded(hasty, 0), { message: /timed out/ });
  server.thaw();
  await shows(server, 'is a master', (seen) => seen.role === 'master');
  t.equal(await write(client), 'NOREPLICAS');
});

await t.test('all or nothing: where CONFIG is denied, nobody is promoted', async (t) => {
  const { server } = await fenced(t);
  await server.command('ACL', 'SETUSER', 'agent', 'on', '>secret', '~*', '+@all', '-config');
  const redis = await connect(t, server, { user: 'agent', password: 'secret' });
  await t.rejects(promoteGuarded(redis, 0), { message: /EXECABORT|NOPERM/ });
  t.ok(isLimbo(await look(redis, 0)));
});

await t.test('all or nothing: where REPLICAOF is denied, no guard is left behind', async (t) => {
  const { server } = await fenced(t);
  await server.command('ACL', 'SETUSER', 'agent', 'on', '>secret', '~*', '+@all', '-replicaof');
  const redis = await connect(t, server, { user: 'agent', password: 'secret' });
  await t.rejects(promoteGuarded(redis, 0), { message: /EXECABORT|NOPERM/ });
  t.equal(await server.setting('min-replicas-to-write'), '0');
});

await t.test('opening accepts writes, at once', async (t) => {
  const { redis } = await fenced(t);
  await promoteGuarded(redis, 0);
  const instance = await openWrites(redis, { minReplicas: 0 }, 0);
  t.equal(instance.role, 'master');
  t.equal(await write(redis), 'OK');
});

await t.test('opening restores the value that is asked for, and it counts', async (t) => {
  const { server, redis } = await fenced(t);
  await promoteGuarded(redis, 0);
  await openWrites(redis, { minReplicas: 1 }, 0);
  t.equal(await server.setting('min-replicas-to-write'), '1');
  t.equal(await write(redis), 'NOREPLICAS', 'it has no replica');
});

await t.test(
  'limbo after a promotion fences again, and the next promotion opens again',
  async (t) => {
    const { redis } = await fenced(t);
    await promoteGuarded(redis, 0);
    await openWrites(redis, { minReplicas: 0 }, 0);
    t.equal(await write(redis), 'OK');
    await limbo(redis, { cutClients: true, startedEpochMs: 0 });
    t.equal(await write(redis), 'READONLY');
    await promoteGuarded(redis, 0);
    t.equal(await write(redis), 'NOREPLICAS');
    await openWrites(redis, { minReplicas: 0 }, 0);
    t.equal(await write(redis), 'OK');
  },
);

/** What the agent's two steps leave behind, by its adapter. */
async function promoted(t: Test, watched: Watched): Promise<void> {
  const { runId } = await watched.ready();
  t.match(await watched.adapter.promote(runId, FOREVER), { ok: true });
  t.match(await watched.adapter.open(FOREVER, false), { ok: true });
}

await t.test('the agent restores what Redis was configured with', async (t) => {
  const { server } = await fenced(t, ['--min-replicas-to-write', '2']);
  const watched = new Watched(t, server);
  const { runId } = await watched.ready();
  await watched.adapter.promote(runId, FOREVER);
  t.equal(await server.setting('min-replicas-to-write'), GUARD, 'the guard stands');
  await watched.adapter.open(FOREVER, false);
  t.equal(await server.setting('min-replicas-to-write'), '2');
});

await t.test('the agent restores what its own flag says, whatever Redis says', async (t) => {
  const { server } = await fenced(t, ['--min-replicas-to-write', '2']);
  await promoted(t, new Watched(t, server, { minReplicas: 1 }));
  t.equal(await server.setting('min-replicas-to-write'), '1');
});

await t.test(
  'the agent restores what was configured after a reconnect behind the guard',
  async (t) => {
    const { server } = await fenced(t, ['--min-replicas-to-write', '2']);
    const watched = new Watched(t, server);
    const { runId } = await watched.ready();
    await watched.adapter.promote(runId, FOREVER);
    await watched.reconnect(server);
    await watched.adapter.open(FOREVER, false);
    t.equal(await server.setting('min-replicas-to-write'), '2');
  },
);

await t.test(
  'what was configured is known before the first report, which may promote',
  async (t) => {
    const { server } = await fenced(t, ['--min-replicas-to-write', '2']);
    const promotions: Promise<unknown>[] = [];
    const watched: Watched = new Watched(t, server, {
      onReport: (seen) => {
        if (!seen.reachable || promotions.length > 0) return;
        promotions.push(watched.adapter.promote(seen.instance.runId, FOREVER));
      },
    });
    await watched.ready();
    t.match(await promotions[0], { ok: true });
    t.match(await watched.adapter.open(FOREVER, false), { ok: true });
    t.equal(await server.setting('min-replicas-to-write'), '2');
  },
);

await t.test(
  'what was configured is not forgotten when CONFIG is denied for a while',
  async (t) => {
    const { server } = await fenced(t, ['--min-replicas-to-write', '2']);
    await server.command('ACL', 'SETUSER', 'agent', 'on', '>secret', '~*', '+@all');
    const watched = new Watched(t, server, { access: { user: 'agent', password: 'secret' } });
    await watched.ready();
    await server.command('ACL', 'SETUSER', 'agent', '-config');
    await watched.reconnect(server);
    await server.command('ACL', 'SETUSER', 'agent', '+config');
    await promoted(t, watched);
    t.equal(await server.setting('min-replicas-to-write'), '2');
  },
);

for (const minReplicas of [undefined, 1]) {
  const source = minReplicas === undefined ? "Redis's default" : 'its flag';
  await t.test(
    `a guard that an agent before it left is lifted: ${source} is restored`,
    async (t) => {
      const { server } = await fenced(t);
      const before = new Watched(t, server);
      const { runId } = await before.ready();
      await before.adapter.promote(runId, FOREVER);
      before.adapter.stop();
      t.equal(await server.setting('min-replicas-to-write'), GUARD);
      const after = new Watched(t, server, minReplicas === undefined ? {} : { minReplicas });
      await after.ready();
      t.match(await after.adapter.open(FOREVER, false), { ok: true });
      t.equal(await server.setting('min-replicas-to-write'), String(minReplicas ?? 0));
    },
  );
}

await t.test('isolated, and not any more: what was configured comes back', async (t) => {
  const { server } = await fenced(t, ['--min-replicas-max-lag', '6']);
  const watched = new Watched(t, server, { isolates: true });
  await promoted(t, watched);
  const terms = async (): Promise<string[]> => [
    await server.setting('min-replicas-to-write'),
    await server.setting('min-replicas-max-lag'),
  ];
  t.same(await terms(), ['0', '6'], 'opened without');
  t.match(await watched.adapter.open(FOREVER, true), { ok: true });
  t.same(await terms(), ['1', '1']);
  await watched.reconnect(server);
  t.match(await watched.adapter.open(FOREVER, false), { ok: true });
  t.same(await terms(), ['0', '6'], 'also after a reconnect');
  await watched.adapter.open(FOREVER, true);
  watched.adapter.stop();
  const after = new Watched(t, server, { isolates: true });
  await after.ready();
  await after.adapter.open(FOREVER, false);
  t.same(await terms(), ['0', '10'], "an agent after it restores Redis's defaults");
});
