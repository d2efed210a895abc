// Short visits to another instance of the group, and how each of them ends.

import t from 'tap';
import { systemClock } from '../../agent/clock.ts';
import { isLimbo } from '../../agent/core/view.ts';
import { waitFor } from '../harness/wait-for.ts';
import {
  accessWith,
  connect,
  PATIENCE_MS,
  remoteWith,
  type Server,
  shows,
  Stage,
  write,
} from './setup.ts';

const stage = await Stage.open(t);
const SHORT_MS = 100;
/** Connection and answer have SHORT_MS each; the rest is the machine's. */
const IN_TIME_MS = 500;
const OPEN = accessWith();
const tls = await stage.certificates();

async function leavesNothing(server: Server): Promise<void> {
  const isAlone = async (): Promise<boolean> => (await server.clients('normal')).length === 1;
  await waitFor('the visitor is gone', isAlone, { timeoutMs: PATIENCE_MS });
}

await t.test('a look shows the instance and its start, and leaves no connection', async (t) => {
  const before = systemClock.epochMs();
  const server = await stage.serve();
  const result = await remoteWith(OPEN).look(server.address, PATIENCE_MS);
  if (!result.ok) return t.fail(result.detail);
  t.match(result.instance, { role: 'master', keys: 0 });
  t.ok(result.instance.startedEpochMs >= before - 2000, 'not before it started, to the second');
  t.ok(result.instance.startedEpochMs <= systemClock.epochMs());
  await leavesNothing(server);
});

await t.test(
  'a fence leaves limbo behind, cuts the clients, and its connection ends',
  async (t) => {
    const server = await stage.serve();
    const client = await connect(t, server);
    t.equal(await write(client), 'OK');
    const result = await remoteWith(OPEN).fence(server.address, PATIENCE_MS);
    if (!result.ok) return t.fail(result.detail);
    t.ok(isLimbo(result.instance), 'with the final offset');
    t.equal(result.instance.keys, 1);
    const isCut = (): boolean => client.status === 'end';
    await waitFor('the client is cut', isCut, { timeoutMs: PATIENCE_MS });
    await leavesNothing(server);
    t.equal(await write(await connect(t, server)), 'READONLY');
  },
);

await t.test('a fence with the password and as the ACL user', async (t) => {
  const server = await stage.serve({ password: 'secret' });
  await server.command('ACL', 'SETUSER', 'agent', 'on', '>other', '~*', '+@all', '-client');
  const access = accessWith({ user: 'agent', password: 'other' });
  t.match(await remoteWith(access).fence(server.address, PATIENCE_MS), { ok: true });
  t.match(await remoteWith(accessWith({ password: 'secret' })).fence(server.address, PATIENCE_MS), {
    ok: true,
  });
});

await t.test('nobody listens: refused', async (t) => {
  const address = stage.network.address();
  const gone = { ok: false, refused: true, detail: /ECONNREFUSED/ };
  t.match(await remoteWith(OPEN).look(address, PATIENCE_MS), gone);
  t.match(await remoteWith(OPEN).fence(address, PATIENCE_MS), gone);
});

await t.test('killed a moment ago: refused', async (t) => {
  const server = await stage.serve();
  await server.process.kill();
  t.match(await remoteWith(OPEN).fence(server.address, PATIENCE_MS), { ok: false, refused: true });
});

for (const { with: how, options, access } of [
  { with: 'no password', options: {}, access: OPEN },
  {
    with: 'a password',
    options: { password: 'secret' },
    access: accessWith({ password: 'secret' }),
  },
  { with: 'TLS', options: { tls }, access: accessWith({ tls: true, tlsSkipVerify: true }) },
]) {
  await t.test(`frozen, with ${how}: silent, not refused, and said in time`, async (t) => {
    const server = await stage.serve(options);
    await server.freeze();
    const silent = { ok: false, refused: false };
    const visits = [
      async () => await remoteWith(access).look(server.address, SHORT_MS),
      async () => await remoteWith(access).fence(server.address, SHORT_MS),
    ];
    for (const visit of visits) {
      const durationsMs: number[] = [];
      // A machine that is busy with other things may need longer: then it is asked again.
      for (let attempt = 1; attempt <= 3; attempt++) {
        const start = systemClock.now();
        t.match(await visit(), silent);
        durationsMs.push(systemClock.now() - start);
        if (Math.min(...durationsMs) < IN_TIME_MS) break;
      }
      t.comment(`after ${durationsMs.map((ms) => ms.toFixed(0)).join(', ')} ms`);
      t.ok(Math.min(...durationsMs) < IN_TIME_MS);
    }
  });
}

await t.test('a fence that came to a frozen Redis is carried out when it thaws', async (t) => {
  const server = await stage.serve();
  await server.freeze();
  t.match(await remoteWith(OPEN).fence(server.address, SHORT_MS), { ok: false, refused: false });
  server.thaw();
  await shows(server, 'is in limbo', isLimbo);
});

await t.test('a wrong password is neither ok nor refused, and the detail says so', async (t) => {
  const server = await stage.serve({ password: 'secret' });
  const access = accessWith({ password: 'wrong' });
  const locked = { ok: false, refused: false, detail: /WRONGPASS/ };
  t.match(await remoteWith(access).look(server.address, PATIENCE_MS), locked);
  t.match(await remoteWith(access).fence(server.address, PATIENCE_MS), locked);
  t.equal(await server.command('SET', 'key', 'value'), 'OK', 'it is a master still');
});

await t.test('a right that is missing is neither ok nor refused', async (t) => {
  const server = await stage.serve();
  await server.command('ACL', 'SETUSER', 'agent', 'on', '>secret', '+@all', '-replicaof');
  const access = accessWith({ user: 'agent', password: 'secret' });
  const denied = { ok: false, refused: false, detail: /EXECABORT|NOPERM/ };
  t.match(await remoteWith(access).fence(server.address, PATIENCE_MS), denied);
});

await t.test('a loading instance is looked at, and not fenced', async (t) => {
  const loading = await stage.loading();
  const look = await remoteWith(OPEN).look(loading.address, PATIENCE_MS);
  t.match(look, { ok: true, instance: { loading: true, role: 'master' } });
  const result = await remoteWith(OPEN).fence(loading.address, PATIENCE_MS);
  t.match(result, { ok: false, refused: false, detail: /LOADING|EXECABORT/ });
});

await t.test('a first sync is hastened on a master without an agent', async (t) => {
  const server = await stage.serve({ args: ['--repl-diskless-sync-delay', '5'] });
  t.match(await remoteWith(OPEN).hastenSync(server.address, PATIENCE_MS), { ok: true });
  t.equal(await server.setting('repl-diskless-sync-delay'), '0');
  await leavesNothing(server);
});
