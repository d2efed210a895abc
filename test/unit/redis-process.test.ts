// Which process the local Redis is, by INFO and /proc: whatever speaks against it, nothing is killed.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { RedisProcess } from '../../agent/process/redis-process.ts';

const info = (changes: Record<string, string> = {}): string => {
  const fields = { run_id: 'run0', process_id: '7', uptime_in_seconds: '100', ...changes };
  return Object.entries(fields)
    .map(([name, value]) => `${name}:${value}\r`)
    .join('\n');
};

/** Of process 7, which started 100 s before: machine time is 1000 s. */
type Shown = { readonly name?: string; readonly startTicks?: number; readonly pids?: string };

function show(
  proc: string,
  { name = 'redis-server', startTicks = 90_000, pids = '7' }: Shown,
): void {
  mkdirSync(join(proc, '7'), { recursive: true });
  const zeros = Array.from({ length: 18 }, () => '0').join(' ');
  writeFileSync(join(proc, '7', 'stat'), `7 (${name}) T ${zeros} ${startTicks} 0 0\n`);
  writeFileSync(join(proc, '7', 'status'), `Name:\t${name}\nNSpid:\t${pids}\nThreads:\t5\n`);
  writeFileSync(join(proc, 'uptime'), '1000.12 1800.00\n');
}

function stage(t: Test, shown: Shown | null, refusal: string | null = null) {
  const proc = t.testdir({});
  if (shown !== null) show(proc, shown);
  const sent: [number, string | number][] = [];
  const redis = new RedisProcess({
    proc,
    signal: (pid, signal) => {
      if (refusal !== null) throw new Error(refusal);
      sent.push([pid, signal]);
    },
  });
  const killed = (): number => sent.filter(([, signal]) => signal === 'SIGKILL').length;
  return { redis, proc, killed };
}

await t.test('the process that INFO names is killed, once it is asked for', async (t) => {
  for (const name of ['redis-server', 'valkey-server']) {
    const { redis, killed } = stage(t, { name });
    t.equal(redis.learn(info()), null);
    t.equal(killed(), 0, 'not by the check');
    t.equal(await redis.kill('run0'), null);
    t.equal(killed(), 1);
  }
});

await t.test('a server that a loader started is known by what it calls itself', async (t) => {
  const { redis, proc, killed } = stage(t, { name: 'ld-linux-x86-64' });
  t.match(redis.learn(info()), /does not share/);
  writeFileSync(join(proc, '7', 'cmdline'), '/usr/bin/redis-server 10.0.0.1:6379\0\0');
  t.equal(redis.learn(info()), null);
  const words = [
    '/lib/ld-linux-x86-64.so.2',
    '--library-path',
    '/lib',
    '/usr/bin/redis-server',
    '',
  ];
  writeFileSync(join(proc, '7', 'cmdline'), words.join('\0'));
  t.equal(redis.learn(info()), null);
  t.equal(await redis.kill('run0'), null);
  t.equal(killed(), 1);
});

await t.test('a pid of another namespace names another process, or none', async (t) => {
  const NOT_SHARED = /does not share its process namespace/;
  for (const shown of [null, { name: 'node' }, { name: 'a) redis-server' }, { pids: '7\t1' }]) {
    const { redis, killed } = stage(t, shown);
    t.match(redis.learn(info()), NOT_SHARED);
    t.match(await redis.kill('run0'), NOT_SHARED);
    t.equal(killed(), 0);
  }
  const { redis } = stage(t, {});
  t.match(redis.learn(info({ process_id: '1' })), NOT_SHARED, 'the first of its namespace');
  t.match(redis.learn('run_id:run0'), NOT_SHARED, 'no pid at all');
});

await t.test('a process younger than Redis is another one; an older one was a shell first', (t) => {
  const { redis } = stage(t, {});
  t.match(redis.learn(info({ uptime_in_seconds: '107' })), /younger than Redis/);
  t.equal(redis.learn(info({ uptime_in_seconds: '104' })), null);
  t.equal(redis.learn(info({ uptime_in_seconds: '1' })), null);
  t.end();
});

await t.test('who may not signal it says so at the check', async (t) => {
  const { redis } = stage(t, {}, 'kill EPERM');
  t.match(redis.learn(info()), /may not signal Redis \(process 7\): .*same user.*EPERM/);
  t.match(await redis.kill('run0'), /may not signal/);
});

await t.test('what took the place of the process is not killed', async (t) => {
  const { redis, proc, killed } = stage(t, {});
  t.match(await redis.kill('run0'), /has not said yet/, 'nor what was never met');
  redis.learn(info());
  t.match(await redis.kill('run1'), /restarted/);
  show(proc, { startTicks: 95_000 });
  t.match(await redis.kill('run0'), /another one by now/);
  show(proc, { name: 'sh' });
  t.type(await redis.kill('run0'), 'string');
  t.equal(killed(), 0);
});
