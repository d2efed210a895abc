// What settings and rights of a real Redis keep it from its part: found by questions that change nothing.

import t from 'tap';
import { look } from '../../agent/redis/commands.ts';
import { obstacleOf, stopsOnFailedSave } from '../../agent/redis/fitness.ts';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../harness/wait-for.ts';
import { connect, PATIENCE_MS, REDIS_MAJOR, type Server, Stage } from './setup.ts';
import { Watched } from './watched.ts';

const stage = await Stage.open(t);
const VERSION = `${REDIS_MAJOR}.0.0`;

async function problemOf(t: Parameters<typeof connect>[0], server: Server, ...rules: string[]) {
  await server.command(
    'ACL',
    'SETUSER',
    'agent',
    'reset',
    'on',
    '>secret',
    '~*',
    '+@all',
    ...rules,
  );
  const redis = await connect(t, server, { user: 'agent', password: 'secret' });
  return await obstacleOf(redis, { user: 'agent', version: VERSION });
}

await t.test('all rights: no obstacle, and the questions changed nothing', async (t) => {
  const server = await stage.serve({ bootFence: true });
  const redis = await connect(t, server);
  const { replid, upstream, offset } = await look(redis, 0);
  t.equal(await obstacleOf(redis, { user: undefined, version: VERSION }), null);
  t.match(await look(redis, 0), { role: 'replica', replid, upstream, offset });
  t.equal(await redis.set('a', '1').catch((error: Error) => error.message.slice(0, 8)), 'READONLY');
});

await t.test(
  'what is denied is named, with its cost and the ACL rule that grants it',
  async (t) => {
    const server = await stage.serve();
    for (const [rule, kind, name, remedy] of [
      [
        '-config',
        'denied',
        /CONFIG GET, CONFIG SET:.*left as it is/,
        /SETUSER agent \+config\|get \+config\|set/,
      ],
      ['-replicaof', 'denied', /REPLICAOF:/, /\+replicaof/],
      ['-multi', 'denied', /MULTI:/, /\+multi/],
      ['-exec', 'denied', /EXEC:/, /\+exec/],
      ['-client', 'weaker', /CLIENT KILL:.*stay connected/, /\+client\|kill/],
    ] as const) {
      const obstacle = await problemOf(t, server, rule);
      t.match(obstacle, { kind, problem: name }, rule);
      t.match(obstacle?.problem, remedy);
      t.match(obstacle?.problem, /^RO_REDIS_COMMAND_DENIED: /);
    }
  },
);

await t.test('a command that was renamed is one that is denied', async (t) => {
  const server = await stage.serve({ args: ['--rename-command', 'REPLICAOF', ''] });
  const redis = await connect(t, server);
  const obstacle = await obstacleOf(redis, { user: undefined, version: VERSION });
  t.match(obstacle, { kind: 'denied', problem: /REPLICAOF:.*no rename-command/ });
});

await t.test(
  'denied: its settings stay as they are; they are made once it is allowed',
  async (t) => {
    const server = await stage.serve({ args: ['--replica-read-only', 'no'] });
    await server.command('ACL', 'SETUSER', 'agent', 'on', '>secret', '~*', '+@all', '-replicaof');
    const watched = new Watched(t, server, { access: { user: 'agent', password: 'secret' } });
    t.match(await watched.ready(), { role: 'master', obstacle: { kind: 'denied' } });
    t.equal(await server.setting('replica-read-only'), 'no');
    await server.command('ACL', 'SETUSER', 'agent', '+replicaof');
    await watched.next('no obstacle', (seen) => seen.reachable && seen.instance.obstacle === null);
    t.equal(await server.setting('replica-read-only'), 'yes');
  },
);

await t.test('bind to loopback alone: nobody else reaches it', async (t) => {
  const server = await stage.serve();
  const redis = await connect(t, server);
  if (REDIS_MAJOR < 7) return t.pass('CONFIG SET bind is of 7.0');
  await redis.config('SET', 'bind', `${server.address} 127.0.0.1`);
  t.equal(await obstacleOf(redis, { user: undefined, version: VERSION }), null, 'not alone');
  await redis.config('SET', 'bind', '127.0.0.1 -::1');
  const obstacle = await obstacleOf(redis, { user: undefined, version: VERSION });
  t.match(obstacle, {
    kind: 'hidden',
    problem: /^RO_REDIS_HIDDEN: bind 127\.0\.0\.1.*Remedy: bind \*/,
  });
});

await t.test(
  'protected mode: it counts without a password, before 7.0 without a bind',
  async (t) => {
    const server = await stage.serve();
    const redis = await connect(t, server);
    const kind = async (version = '7.0.0') =>
      (await obstacleOf(redis, { user: undefined, version }))?.kind ?? null;
    await redis.config('SET', 'protected-mode', 'yes');
    t.equal(await kind(), 'hidden');
    t.equal(await kind('6.2.14'), null, 'an address is bound');
    await server.command('ACL', 'SETUSER', 'default', '>secret', 'resetpass', '>other');
    t.equal(await kind(), null, 'a password');
  },
);

await t.test(
  'a snapshot that fails makes a master unwritable, where it stops writes',
  async (t) => {
    const directory = stage.workspace.folder('unsaved');
    const server = await stage.serve({ directory, persistence: 'rdb', args: ['--save', '1 1'] });
    // A snapshot cannot be moved onto a folder.
    mkdirSync(join(directory, 'dump.rdb'));
    const watched = new Watched(t, server);
    t.equal((await watched.ready()).unwritable, null);
    await server.command('SET', 'a', '1');
    await watched.next(
      'that it refuses writes',
      (seen) => seen.reachable && seen.instance.unwritable !== null,
    );
    const refused = await server.command('SET', 'a', '2').catch((error: Error) => error.message);
    t.match(refused, /^MISCONF/);
    await server.command('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no');
    await watched.next(
      'that it takes them',
      (seen) => seen.reachable && seen.instance.unwritable === null,
    );
    t.equal(await server.command('SET', 'a', '2'), 'OK');
    const redis = await connect(t, server);
    await redis.config('SET', 'stop-writes-on-bgsave-error', 'yes');
    t.equal(await stopsOnFailedSave(redis), true);
    await redis.config('SET', 'save', '');
    t.equal(await stopsOnFailedSave(redis), false, 'no snapshots, none that stop writes');
    await waitFor('the same', () => watched.last?.reachable === true, { timeoutMs: PATIENCE_MS });
  },
);
