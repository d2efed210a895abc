// Limbo, the one fence: from its reply on nothing is acknowledged, and its offset is the last.

import t from 'tap';
import type { Redis } from 'ioredis';
import { isLimbo } from '../../agent/core/view.ts';
import { limbo, look } from '../../agent/redis/commands.ts';
import { waitFor } from '../harness/wait-for.ts';
import {
  connect,
  KEEPS_REPLICA_LINKS,
  lookOnce,
  PATIENCE_MS,
  type Server,
  shows,
  Stage,
  write,
} from './setup.ts';

const stage = await Stage.open(t);
const CUT = { cutClients: true, startedEpochMs: 0 };
const SPARE = { cutClients: false, startedEpochMs: 0 };

async function hasClosed(redis: Redis): Promise<void> {
  const isOver = (): boolean => redis.status === 'end';
  await waitFor('the connection ends', isOver, { timeoutMs: PATIENCE_MS, everyMs: 2 });
}

/** An ACL user of the master, who may do all but this. */
async function userWithout(
  master: Server,
  ...rules: string[]
): Promise<{ user: string; password: string }> {
  const user = { user: 'agent', password: 'secret' };
  await master.command('ACL', 'SETUSER', 'agent', 'on', '>secret', '~*', '+@all', ...rules);
  return user;
}

await t.test('read-only at once: the next write on an open connection is refused', async (t) => {
  const master = await stage.serve();
  const [redis, client] = [await connect(t, master), await connect(t, master)];
  t.equal(await write(client), 'OK');
  const instance = await limbo(redis, SPARE);
  t.ok(isLimbo(instance), 'the reply itself shows limbo');
  t.equal(await write(client), 'READONLY');
  t.equal(await client.get('key'), 'value', 'reads go on');
});

await t.test(
  'the fence falls between two writes: what is in the data was acknowledged',
  async (t) => {
    const { master } = await stage.pair();
    const redis = await connect(t, master);
    t.equal(await write(redis), 'OK', 'its offset is not zero');
    const writers = await Promise.all(Array.from({ length: 4 }, () => connect(t, master)));
    let acknowledged = 0;
    const appends = async (): Promise<void> => {
      const each = writers.flatMap((writer) =>
        Array.from({ length: 50 }, async () => await writer.append('log', 'x'.repeat(1000))),
      );
      for (const { status } of await Promise.allSettled(each)) {
        if (status === 'fulfilled') acknowledged++;
      }
    };
    // Frozen, so that writes and fence lie in the sockets together when it goes on. It reads 16 kB of
    // each in turn: the fence is reached while writes wait on either side of it.
    await master.freeze();
    const before = appends();
    const fencing = limbo(redis, SPARE);
    const after = appends();
    master.thaw();
    const instance = await fencing;
    await Promise.all([before, after]);
    t.equal(Number(await master.command('STRLEN', 'log')), acknowledged * 1000);
    t.ok(acknowledged < 400, 'some were refused');
    t.equal((await lookOnce(master)).offset, instance.offset, 'its offset was the last');
  },
);

await t.test(
  'writes that are under way when it comes are either in the offset or refused',
  async (t) => {
    const { master, replica } = await stage.pair();
    const redis = await connect(t, master);
    const client = await connect(t, master);
    let acknowledged = 0;
    const writing = (async (): Promise<string> => {
      for (;;) {
        const answer = await write(client, `key-${acknowledged}`);
        if (answer !== 'OK') return answer;
        acknowledged++;
      }
    })();
    await waitFor('writes are under way', () => acknowledged > 100, { timeoutMs: PATIENCE_MS });
    const instance = await limbo(redis, SPARE);
    t.equal(await writing, 'READONLY');
    t.equal(instance.keys, acknowledged, 'the same look counts the acknowledged keys');
    if (!KEEPS_REPLICA_LINKS) return;
    const final = await shows(replica, 'has it all', (seen) => seen.offset >= instance.offset);
    t.match(final, { offset: instance.offset, keys: acknowledged, replid: instance.replid });
  },
);

await t.test('clients are cut, normal and subscribed; who says it is spared', async (t) => {
  const master = await stage.serve();
  const redis = await connect(t, master);
  const [normal, subscriber] = [await connect(t, master), await connect(t, master)];
  await subscriber.subscribe('channel');
  t.equal((await master.clients('pubsub')).length, 1);
  await limbo(redis, CUT);
  await Promise.all([hasClosed(normal), hasClosed(subscriber)]);
  t.ok(isLimbo(await look(redis, 0)), 'our connection goes on');
});

await t.test('also where somebody let replicas take writes', async (t) => {
  const server = await stage.serve();
  await server.command('CONFIG', 'SET', 'replica-read-only', 'no');
  t.ok(isLimbo(await limbo(await connect(t, server), CUT)));
  t.equal(await server.setting('replica-read-only'), 'yes');
  await t.rejects(server.command('SET', 'key', 'value'), /READONLY/);
});

await t.test('clients stay connected where they shall not be cut', async (t) => {
  const master = await stage.serve();
  const redis = await connect(t, master);
  const [normal, subscriber] = [await connect(t, master), await connect(t, master)];
  await subscriber.subscribe('channel');
  const heard = new Promise((resolve) => subscriber.once('message', resolve));
  await limbo(redis, SPARE);
  t.equal(await normal.ping(), 'PONG');
  await normal.publish('channel', 'still here');
  t.equal(await heard, 'channel');
});

await t.test(
  KEEPS_REPLICA_LINKS
    ? "the replicas' links are not cut"
    : "the replicas' links are cut, as Redis before 7.0 does",
  async (t) => {
    const { master, replica } = await stage.pair();
    const links = await master.clients('replica');
    const instance = await limbo(await connect(t, master), CUT);
    if (KEEPS_REPLICA_LINKS) {
      const after = await shows(replica, 'has it all', (seen) => seen.offset >= instance.offset);
      t.equal(after.linkUp, true);
      t.same(await master.clients('replica'), links, 'the very same connection');
    } else {
      await shows(replica, 'is alone', (seen) => !seen.linkUp);
      t.equal(links.length, 1, 'it had one');
    }
  },
);

await t.test('without the right to CLIENT KILL it fences all the same', async (t) => {
  const master = await stage.serve();
  const redis = await connect(t, master, await userWithout(master, '-client'));
  const client = await connect(t, master);
  t.equal(await write(client), 'OK');
  t.ok(isLimbo(await limbo(redis, CUT)));
  t.equal(await write(client), 'READONLY', 'the client stays, and is refused');
});

await t.test(
  'without the right to REPLICAOF nothing happens: not even clients are cut',
  async (t) => {
    const master = await stage.serve();
    const redis = await connect(t, master, await userWithout(master, '-replicaof'));
    const client = await connect(t, master);
    await t.rejects(limbo(redis, CUT), { message: /EXECABORT|NOPERM/ });
    t.equal(await write(client), 'OK', 'it is a master still');
    t.equal((await look(redis, 0)).role, 'master');
  },
);

await t.test('a second limbo changes neither offset nor data', async (t) => {
  const { master } = await stage.pair();
  await master.command('SET', 'key', 'value');
  const redis = await connect(t, master);
  const first = await limbo(redis, CUT);
  t.same(await limbo(redis, CUT), first);
});

await t.test('a replica in limbo keeps what its master had sent', async (t) => {
  const { master, replica } = await stage.pair();
  await master.command('SET', 'key', 'value');
  const { offset } = await lookOnce(master);
  await shows(replica, 'has it all', (seen) => seen.offset >= offset);
  const instance = await limbo(await connect(t, replica), SPARE);
  t.ok(instance.offset >= offset);
  t.match(instance, { keys: 1, linkUp: false });
  t.equal(await replica.get('key'), 'value');
});

await t.test(
  KEEPS_REPLICA_LINKS
    ? 'a planned handover loses nothing: what the replica had not read is delivered after limbo'
    : 'before 7.0 limbo drops what the replica had not read: a handover must wait for it first',
  async (t) => {
    const { master, replica } = await stage.pair();
    const redis = await connect(t, master);
    await replica.freeze();
    // Far more than the kernel's buffers: the rest is in the master's memory when it is fenced.
    const value = 'x'.repeat(1_000_000);
    for (let index = 0; index < 32; index++) await redis.set(`key-${index}`, value);
    const instance = await limbo(redis, CUT);
    t.equal(instance.keys, 32);
    replica.thaw();
    if (KEEPS_REPLICA_LINKS) {
      const final = await shows(replica, 'has it all', (seen) => seen.offset >= instance.offset);
      t.match(final, { offset: instance.offset, keys: 32, replid: instance.replid, linkUp: true });
    } else {
      const final = await shows(replica, 'is alone', (seen) => !seen.linkUp);
      t.ok(final.offset < instance.offset, 'the last bytes are lost to it');
    }
  },
);
