// How the agent logs in: where its password comes from, when it is read, and what TLS checks.

import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import t from 'tap';
import { connectionOptions, type RedisAccess } from '../../agent/redis/access.ts';
import type { RemoteResult } from '../../agent/ports.ts';
import { messageOf } from '../../src/errors.ts';
import type { TlsFiles } from '../harness/certificates.ts';
import { accessWith, remoteWith, answers, PATIENCE_MS, type Server, Stage } from './setup.ts';
import { silenceIn, Watched } from './watched.ts';

const stage = await Stage.open(t);

async function visit(server: Server, access: Partial<RedisAccess>): Promise<RemoteResult> {
  return await remoteWith(accessWith(access)).look(server.address, PATIENCE_MS);
}

function file(text: string): string {
  const path = join(stage.folder(), 'file');
  writeFileSync(path, text);
  return path;
}

const IN = { ok: true };
const WRONG = { ok: false, refused: false, detail: /WRONGPASS/ };

await t.test('the password file is read at each visit', async (t) => {
  const server = await stage.serve({ password: 'secret' });
  const passwordFile = file('first\n');
  t.match(await visit(server, { passwordFile }), WRONG);
  writeFileSync(passwordFile, 'secret\n');
  t.match(await visit(server, { passwordFile }), IN, 'without the newline at its end');
});

await t.test('a rotated password needs no restart of the agent', async (t) => {
  const server = await stage.serve({ password: 'first' });
  const passwordFile = file('first');
  const watched = new Watched(t, server, { access: { passwordFile } });
  await watched.ready();
  t.equal(await server.setting('masterauth'), 'first');
  // The file comes late: until then the new connection is locked out.
  await server.command('CONFIG', 'SET', 'requirepass', 'second');
  const rotated: Server = server.withPassword('second');
  await rotated.command('CLIENT', 'KILL', 'TYPE', 'normal');
  const seen = await watched.next('that it is locked out', silenceIn);
  t.match(seen, { locked: true, refused: false });
  writeFileSync(passwordFile, 'second');
  await watched.ready(2);
  t.equal(await rotated.setting('masterauth'), 'second', 'and replicas will use the new one');
});

await t.test('an open connection is kept when the password changes', async (t) => {
  const server = await stage.serve({ password: 'first' });
  const passwordFile = file('first');
  const watched = new Watched(t, server, { access: { passwordFile } });
  await watched.ready();
  writeFileSync(passwordFile, 'second');
  watched.adapter.setPollInterval(1);
  await watched.next('an instance', (seen) => seen.reachable);
  t.equal(watched.refusedSettings.length, 1);
});

await t.test('a password that is given wins over the files', async (t) => {
  const server = await stage.serve({ password: 'secret' });
  const [passwordFile, configFile] = [file('wrong'), file('requirepass wrong')];
  t.match(await visit(server, { password: 'secret', passwordFile, configFile }), IN);
  t.match(await visit(server, { passwordFile: file('secret'), configFile }), IN);
});

for (const { rule, password, lines } of [
  { rule: 'requirepass', password: 'secret', lines: ['port 6379', 'requirepass secret'] },
  {
    rule: 'requirepass before masterauth',
    password: 'a',
    lines: ['requirepass a', 'masterauth b'],
  },
  { rule: 'the last of several', password: 'b', lines: ['requirepass a', 'requirepass b'] },
  { rule: 'whatever its case and indentation', password: 'a', lines: ['  RequirePass   a  '] },
  {
    rule: 'but not what is commented out',
    password: 'a',
    lines: ['requirepass a', '# requirepass b'],
  },
  { rule: 'in double quotes', password: 'a b', lines: ['requirepass "a b"'] },
  { rule: 'in single quotes', password: 'a "b"', lines: [`requirepass 'a "b"'`] },
  {
    rule: 'with escapes, as Redis reads them',
    password: 'a"b\\c!',
    lines: ['requirepass "a\\"b\\\\c\\x21"'],
  },
  { rule: 'with the bytes of any script', password: 'é', lines: ['requirepass "\\xc3\\xa9"'] },
  { rule: 'with an escaped single quote', password: "it's", lines: ["requirepass 'it\\'s'"] },
  {
    rule: 'with the line ends of Windows',
    password: 'a',
    lines: ['requirepass a\r', 'port 6379\r'],
  },
]) {
  await t.test(`the configuration file tells the password: ${rule}`, async (t) => {
    const configFile = file(`${lines.join('\n')}\n`);
    // Redis reads the very same file: the agent must find what it found.
    const server = await stage.serve({ args: ['--include', configFile], unready: true });
    await answers(server.withPassword(password));
    t.match(await visit(server, { configFile }), IN);
  });
}

await t.test(
  'the configuration file tells the password: masterauth, without requirepass',
  async (t) => {
    const server = await stage.serve({ password: 'secret' });
    t.match(await visit(server, { configFile: file('masterauth secret\n') }), IN);
  },
);

await t.test(
  'the configuration file tells the password: the last one of all that is included',
  async (t) => {
    const included = file('requirepass secret\n');
    const first = file('requirepass first\n');
    const missing = `${included}.gone`;
    const configFile = file(`include ${first}\ninclude ${included}\ninclude ${missing}\n`);
    const server = await stage.serve({ password: 'secret' });
    t.match(await visit(server, { configFile }), IN);
    t.match(await visit(server, { configFile: file(`include ${first}\n`) }), {
      ok: false,
      locked: true,
    });
  },
);

await t.test('a configuration file that sets none: no password is sent', async (t) => {
  const server = await stage.serve();
  const configFile = file('port 6379\nrequirepass ""\n');
  t.match(await visit(server, { configFile }), IN);
});

await t.test(
  'a file that cannot be read: the flag and the file are named, not refused',
  async (t) => {
    const server = await stage.serve();
    const detail = /--redis-password-file: \/nowhere\/password: ENOENT/;
    const access = { passwordFile: '/nowhere/password' };
    t.match(await visit(server, access), { ok: false, refused: false, detail });
    const watched = new Watched(t, server, { access });
    const seen = await watched.next('that it cannot connect', silenceIn);
    t.match(seen, { refused: false, locked: false, detail });
  },
);

await t.test('TLS: the chain is checked; the name only where one is given', async (t) => {
  const tls = await stage.certificates();
  const server = await stage.serve({ tls });
  const tlsCa = tls.ca;
  t.match(await visit(server, { tls: true, tlsCa }), IN, 'reached by its address');
  t.match(await visit(server, { tls: true, tlsCa, tlsServerName: 'redis.shop' }), IN);
  const failed = { ok: false, refused: false };
  t.match(await visit(server, { tls: true, tlsCa, tlsServerName: 'other.shop' }), failed);
  t.match(await visit(server, { tls: true }), failed, 'an authority that it does not know');
  t.match(await visit(server, { tls: true, tlsSkipVerify: true }), IN, 'unless it is told to');
  t.match(await visit(server, { tls: false }), failed, 'no plain words on a TLS port');
});

await t.test('TLS: it shows its own certificate where Redis demands one', async (t) => {
  const tls = await stage.certificates();
  const server = await stage.serve({ tls });
  await server.command('CONFIG', 'SET', 'tls-auth-clients', 'yes');
  const access = { tls: true, tlsCa: tls.ca };
  t.match(await visit(server, access), { ok: false, refused: false });
  t.match(await visit(server, { ...access, tlsCert: tls.cert, tlsKey: tls.key }), IN);
});

await t.test('TLS: a certificate that the agent rejects: locked, it lives', async (t) => {
  const rejects = async (tls: TlsFiles, access: Partial<RedisAccess>, detail: RegExp) => {
    const server = await stage.serve({ tls });
    const watched = new Watched(t, server, { access: { tls: true, ...access } });
    const seen = await watched.next('that it is locked out', silenceIn);
    t.match(seen, { locked: true, refused: false, detail });
  };
  const tls = await stage.certificates();
  await rejects(tls, {}, /unable to verify|local issuer|self-signed/);
  await rejects(tls, { tlsCa: tls.ca, tlsServerName: 'other.shop' }, /altnames/);
  const expired = await stage.certificates(new Date(Date.now() - 1000));
  await rejects(expired, { tlsCa: expired.ca }, /certificate has expired/);
});

await t.test('TLS: hung up on in the handshake, no second error of a socket ends us', async (t) => {
  const tls = await stage.certificates(new Date(Date.now() - 1000));
  const server = await stage.serve({ tls });
  const access = accessWith({ tls: true, tlsCa: tls.ca });
  const failures: string[] = [];
  for (let round = 0; round < 400; round++) {
    const redis = new Redis(connectionOptions(access, server.address, PATIENCE_MS));
    redis.on('error', (error) => failures.push(messageOf(error)));
    const connecting = redis.connect().catch((error: unknown) => failures.push(messageOf(error)));
    await pause(round % 4);
    redis.disconnect();
    await connecting;
  }
  t.ok(failures.length >= 400, 'each told that it failed, and we live');
});

await t.test('TLS: Redis rejects the certificate of the agent, or its lack: locked', async (t) => {
  const tls = await stage.certificates();
  const server = await stage.serve({ tls });
  await server.command('CONFIG', 'SET', 'tls-auth-clients', 'yes');
  const access = { tls: true, tlsCa: tls.ca };
  const bare = new Watched(t, server, { access });
  const locked = { locked: true, refused: false };
  t.match(await bare.next('that it is locked out', silenceIn), locked, 'none is shown');
  const strange = await stage.certificates();
  const pair = { tlsCert: strange.cert, tlsKey: strange.key };
  const stranger = new Watched(t, server, { access: { ...access, ...pair } });
  t.match(await stranger.next('that it is locked out', silenceIn), locked, 'of a stranger');
});
