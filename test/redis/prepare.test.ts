// The settings that the agent makes at each connection, and what it says of those refused to it;
// and that a replica logs in to its master with them.

import t, { type Test } from 'tap';
import { prepare, replicateFrom } from '../../agent/redis/commands.ts';
import { REDIS_PORT } from '../harness/free-ports.ts';
import { waitFor } from '../harness/wait-for.ts';
import { connect, followed, PATIENCE_MS, type Server, shows, Stage } from './setup.ts';
import { Watched } from './watched.ts';

const stage = await Stage.open(t);
const MEGABYTE = 1024 * 1024;
const PASSWORD = 'correct horse "battery" $staple';
const NOBODY = { user: undefined, password: undefined, tls: false };

async function settings(server: Server, ...names: string[]): Promise<Record<string, string>> {
  const pairs = names.map(async (name) => [name, await server.setting(name)] as const);
  return Object.fromEntries(await Promise.all(pairs));
}

await t.test(
  'it makes a fenced instance read-only, syncs start at once, breaks are cheap',
  async (t) => {
    const server = await stage.serve({ args: ['--replica-read-only', 'no'] });
    t.same(await prepare(await connect(t, server), NOBODY), [], 'nothing is refused');
    t.same(
      await settings(server, 'replica-read-only', 'repl-diskless-sync-delay', 'repl-backlog-size'),
      {
        'replica-read-only': 'yes',
        'repl-diskless-sync-delay': '0',
        'repl-backlog-size': String(64 * MEGABYTE),
      },
    );
  },
);

await t.test('without a password it touches neither masterauth nor masteruser', async (t) => {
  const server = await stage.serve({ args: ['--masterauth', 'theirs', '--masteruser', 'them'] });
  await prepare(await connect(t, server), NOBODY);
  t.same(await settings(server, 'masterauth', 'masteruser'), {
    masterauth: 'theirs',
    masteruser: 'them',
  });
});

await t.test('with a password it sets masterauth; with a user masteruser too', async (t) => {
  const server = await stage.serve();
  const redis = await connect(t, server);
  await prepare(redis, { ...NOBODY, password: PASSWORD });
  t.same(await settings(server, 'masterauth', 'masteruser'), {
    masterauth: PASSWORD,
    masteruser: '',
  });
  await prepare(redis, { ...NOBODY, user: 'agent', password: PASSWORD });
  t.equal(await server.setting('masteruser'), 'agent');
});

for (const { maxmemory, before, after, rule } of [
  { maxmemory: 100, before: 1, after: 1, rule: 'is left alone where maxmemory is small' },
  { maxmemory: 512, before: 1, after: 64, rule: 'is raised where maxmemory has room for it' },
  { maxmemory: 0, before: 100, after: 100, rule: 'is never made smaller' },
]) {
  await t.test(`the backlog ${rule}`, async (t) => {
    const sizes = [`${maxmemory}mb`, '--repl-backlog-size', `${before}mb`];
    const server = await stage.serve({ args: ['--maxmemory', ...sizes] });
    await prepare(await connect(t, server), NOBODY);
    t.equal(await server.setting('repl-backlog-size'), String(after * MEGABYTE));
  });
}

const REFUSED = [
  /^CONFIG SET replica-read-only: .*\(a fenced instance would accept writes\)$/,
  /^CONFIG SET repl-diskless-sync-delay: .*\(the first sync starts five seconds later\)$/,
  /^CONFIG SET masterauth: .*\(a replica cannot log in to the master\)$/,
  /^CONFIG SET masteruser: .*\(a replica cannot log in to the master\)$/,
  /^CONFIG SET repl-backlog-size: .*\(more full syncs\)$/,
];

function saysAll(t: Test, refused: readonly string[], reason: RegExp): void {
  t.equal(refused.length, REFUSED.length);
  for (const [index, pattern] of REFUSED.entries()) {
    t.match(refused[index], pattern);
    t.match(refused[index], reason);
  }
  t.notMatch(refused.join('\n'), /correct|battery/, 'no password is told');
}

await t.test('CONFIG denied by ACL: each setting is named, with what its lack costs', async (t) => {
  const server = await stage.serve();
  await server.command('ACL', 'SETUSER', 'agent', 'on', `>${PASSWORD}`, '~*', '+@all', '-config');
  const auth = { user: 'agent', password: PASSWORD };
  const refused = await prepare(await connect(t, server, auth), { ...auth, tls: false });
  saysAll(t, refused, /NOPERM/);
});

await t.test(
  'CONFIG renamed away: the same, and the password is not told to the log',
  async (t) => {
    const server = await stage.serve({ args: ['--rename-command', 'CONFIG', ''] });
    const auth = { user: 'agent', password: PASSWORD, tls: false };
    saysAll(t, await prepare(await connect(t, server), auth), /unknown command/);
  },
);

await t.test(
  'the adapter tells it as one obstacle and sets nothing; once allowed, it sets all',
  async (t) => {
    const server = await stage.serve();
    await server.command('ACL', 'SETUSER', 'agent', 'on', '>secret', '~*', '+@all', '-config');
    const watched = new Watched(t, server, { access: { user: 'agent', password: 'secret' } });
    const instance = await watched.ready();
    t.equal(instance.role, 'master');
    t.match(instance.obstacle, { kind: 'denied', problem: /CONFIG GET, CONFIG SET/ });
    t.same(watched.refusedSettings[0], [], 'nothing was tried');
    await server.command('ACL', 'SETUSER', 'agent', '+config');
    await watched.reconnect(server);
    t.same(watched.refusedSettings[1], [], 'nothing is refused any more');
    t.equal(await server.setting('repl-diskless-sync-delay'), '0');
  },
);

/** Prepared as the agent does it, the replica follows the master and has its data. */
async function follows(
  t: Test,
  master: Server,
  replica: Server,
  access: { user?: string; password?: string },
): Promise<void> {
  const watched = new Watched(t, replica, { access });
  await watched.ready();
  await master.command('SET', 'key', 'value');
  const result = await watched.adapter.replicateFrom(master.address, REDIS_PORT);
  const upstream = { host: master.address, port: REDIS_PORT };
  t.match(result, { ok: true, instance: { role: 'replica', upstream } });
  await watched.next('that its link is up', (seen) => seen.reachable && seen.instance.linkUp);
  t.equal(await replica.get('key'), 'value');
}

const AT_ONCE = ['--repl-diskless-sync-delay', '0'];

await t.test('a replica follows a master without a password', async (t) => {
  const [master, replica] = [await stage.serve({ args: AT_ONCE }), await stage.serve()];
  await follows(t, master, replica, {});
});

await t.test('a replica logs in to its master with the password', async (t) => {
  // Not by an argument: Valkey reads quotes in one in its own way.
  const secured = async (): Promise<Server> => {
    const server = await stage.serve({ args: AT_ONCE });
    await server.command('CONFIG', 'SET', 'requirepass', PASSWORD);
    return server.withPassword(PASSWORD);
  };
  const [master, replica] = [await secured(), await secured()];
  await follows(t, master, replica, { password: PASSWORD });
});

await t.test('a replica logs in to its master as the ACL user', async (t) => {
  const [master, replica] = [await stage.serve({ args: AT_ONCE }), await stage.serve()];
  for (const server of [master, replica]) {
    await server.command('ACL', 'SETUSER', 'agent', 'on', '>secret', '~*', '+@all');
  }
  // The default user may not replicate: only masteruser can.
  await master.command('ACL', 'SETUSER', 'default', '-psync', '-sync', '-replconf');
  await follows(t, master, replica, { user: 'agent', password: 'secret' });
  const list = String(await master.command('CLIENT', 'LIST', 'TYPE', 'replica'));
  t.match(list, /user=agent/);
});

await t.test('with TLS it replicates with TLS', async (t) => {
  const tls = await stage.certificates();
  const [master, replica] = [await stage.serve({ tls }), await stage.serve({ tls })];
  t.equal(await replica.setting('tls-replication'), 'no');
  for (const server of [master, replica]) {
    const redis = await connect(t, server, { tls: true, tlsCa: tls.ca });
    t.same(await prepare(redis, { ...NOBODY, tls: true }), []);
    if (server === replica) await replicateFrom(redis, master.address, REDIS_PORT, 0);
  }
  t.equal(await replica.setting('tls-replication'), 'yes');
  const isUp = async (): Promise<boolean> =>
    /master_link_status:up/.test(String(await replica.command('INFO', 'replication')));
  await waitFor('the link is up', isUp, { timeoutMs: PATIENCE_MS });
});

await t.test('a replica of another master changes over, and takes its data', async (t) => {
  const { master, replica } = await stage.pair();
  await master.command('SET', 'key', 'old');
  const next = await stage.serve({ args: AT_ONCE });
  await next.command('SET', 'key', 'new');
  const redis = await connect(t, replica);
  const instance = await replicateFrom(redis, next.address, REDIS_PORT, 0);
  t.match(instance, { role: 'replica', linkUp: false, upstream: { host: next.address } });
  await followed(replica);
  t.equal(await replica.get('key'), 'new');
  await shows(master, 'is alone', (seen) => seen.role === 'master');
});
