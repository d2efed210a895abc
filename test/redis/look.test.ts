// What a look shows of an instance in each of its conditions.

import t from 'tap';
import { isLimbo } from '../../agent/core/view.ts';
import { limbo, look, promoteGuarded, replicateFrom } from '../../agent/redis/commands.ts';
import { REDIS_PORT } from '../harness/free-ports.ts';
import { redisVersion } from '../harness/redis-server.ts';
import { connect, lookOnce, REDIS_MAJOR, shows, Stage } from './setup.ts';

const stage = await Stage.open(t);
const STARTED_MS = 1_700_000_000_000;

await t.test('a master: no upstream, the keys of all databases, the given start', async (t) => {
  const master = await stage.serve();
  const redis = await connect(t, master);
  await redis.mset('a', '1', 'b', '2');
  await redis.select(3);
  await redis.set('c', '3');
  const instance = await look(redis, STARTED_MS);
  const info = await redis.info('server');
  t.match(info, `run_id:${instance.runId}`);
  t.match(instance.replid, /^[0-9a-f]{40}$/);
  t.match(instance.replid2, /^0{40}$/, 'no second id');
  t.match(instance, {
    role: 'master',
    upstream: null,
    linkUp: false,
    syncing: false,
    loading: false,
    secondOffset: -1,
    keys: 3,
    aof: false,
    startedEpochMs: STARTED_MS,
  });
});

await t.test("the version is the server's own, not the one that it is compatible to", async (t) => {
  const instance = await lookOnce(await stage.serve());
  t.equal(instance.version, redisVersion());
});

await t.test('an append-only file is seen', async (t) => {
  t.equal((await lookOnce(await stage.serve({ persistence: 'aof' }))).aof, true);
});

await t.test("a replica: its upstream, and the master's id, offset and keys", async (t) => {
  const { master, replica } = await stage.pair();
  await master.command('SET', 'key', 'value');
  await replica.command('CONFIG', 'SET', 'replica-priority', '7');
  const { offset, replid } = await lookOnce(master);
  const instance = await shows(replica, 'has it all', (seen) => seen.offset >= offset);
  t.match(instance, {
    role: 'replica',
    upstream: { host: master.address, port: REDIS_PORT },
    linkUp: true,
    syncing: false,
    loading: false,
    replid,
    keys: 1,
    priority: 7,
  });
  t.ok(offset > 0, 'an offset that counts');
});

await t.test('a replica in its first sync: syncing, and its link is not up', async (t) => {
  const slow = ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0'];
  const master = await stage.serve({ args: [...slow, '--rdb-key-save-delay', '100000'] });
  const replica = await stage.serve();
  const redis = await connect(t, master);
  for (let index = 0; index < 100; index++) await redis.set(`key-${index}`, 'value');
  const own = await connect(t, replica);
  await replicateFrom(own, master.address, REDIS_PORT, 0);
  const instance = await shows(replica, 'syncs', (seen) => seen.syncing);
  t.equal(instance.linkUp, false);
  // Asked to end, the master ends its saving child too; killed, it would leave it behind.
  await replica.process.kill();
  await master.process.stop();
});

await t.test('a boot fence: limbo, without data', async (t) => {
  const instance = await lookOnce(await stage.serve({ bootFence: true }));
  t.ok(isLimbo(instance));
  t.match(instance, { linkUp: false, syncing: false, keys: 0 });
});

await t.test('limbo: the upstream that nobody is, its data, id and offset kept', async (t) => {
  const { master } = await stage.pair();
  await master.command('SET', 'key', 'value');
  const before = await lookOnce(master);
  const redis = await connect(t, master);
  await limbo(redis, { cutClients: false, startedEpochMs: 0 });
  const after = await look(redis, 0);
  t.ok(isLimbo(after));
  t.match(after, { linkUp: false, keys: 1, replid: before.replid });
  t.ok(after.offset >= before.offset, 'the offset does not fall');
});

await t.test('a replica that loses its master keeps its offset', async (t) => {
  const { master, replica } = await stage.pair();
  await master.command('SET', 'key', 'value');
  const { offset } = await lookOnce(master);
  const before = await shows(replica, 'has it all', (seen) => seen.offset >= offset);
  await master.process.kill();
  const after = await shows(replica, 'is alone', (seen) => !seen.linkUp);
  t.match(after, { role: 'replica', replid: before.replid });
  t.ok(after.offset >= before.offset);
});

await t.test('a promotion: a new id, and the former one up to the offset after it', async (t) => {
  const { master, replica } = await stage.pair();
  await master.command('SET', 'key', 'value');
  const { offset } = await lookOnce(master);
  await shows(replica, 'has it all', (seen) => seen.offset >= offset);
  await master.process.kill();
  const redis = await connect(t, replica);
  const before = await limbo(redis, { cutClients: false, startedEpochMs: 0 });
  const after = await promoteGuarded(redis, 0);
  t.not(after.replid, before.replid);
  t.equal(after.replid2, before.replid);
  t.equal(after.secondOffset, before.offset + 1);
  // Before 7.0 the stream goes on with the transaction that promoted.
  if (REDIS_MAJOR >= 7) t.equal(after.offset, before.offset);
  else t.ok(after.offset >= before.offset);
});

await t.test('a loading instance: seen as such, and no role command is carried out', async (t) => {
  const loading = await stage.loading({ bootFence: true });
  const instance = await lookOnce(loading);
  t.equal(instance.loading, true);
  t.match(instance, { role: 'replica', linkUp: false });
  const redis = await connect(t, loading);
  const cut = { cutClients: true, startedEpochMs: 0 };
  await t.rejects(limbo(redis, cut), { message: /LOADING|EXECABORT/ });
  await t.rejects(promoteGuarded(redis, 0), { message: /LOADING|EXECABORT/ });
  t.equal((await look(redis, 0)).loading, true, 'it still loads');
  t.equal(await loading.setting('min-replicas-to-write'), '0', 'and no guard was left');
});
