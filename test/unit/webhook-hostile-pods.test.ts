// Pods that people write and that were read wrongly once: each by what went wrong.

import { test } from 'tap';
import { AGENT_OPTIONS } from '../../agent/options.ts';
import { parseOptions } from '../../src/options.ts';
import { list } from '../../webhook/core/pod.ts';
import { environment, isInjected, type Read, read } from './webhook-read.ts';

void test('the agent starts with whatever the pod has: grace period and min-replicas beyond its limits', async (t) => {
  const long = read(
    { args: ['--min-replicas-to-write', '5000'] },
    { terminationGracePeriodSeconds: 7200 },
  );
  const env = { ...environment(long), POD_NAME: 'redis-0', POD_NAMESPACE: 'shop' };
  t.match(env, { RO_SHUTDOWN_GRACE: '3600s', RO_MIN_REPLICAS_TO_WRITE: '1000' });
  t.ok(parseOptions(AGENT_OPTIONS, [], env).ok, 'by its own rules');
});

void test("Bitnami's image under another registry keeps its run script, which sets the password", async (t) => {
  const how = read({ image: 'harbor.example.com/mirror/redis:7.2.4-debian-12-r9' });
  isInjected(t, how, 'it is Redis');
  t.equal(how.redis?.args, undefined, 'arguments would run in place of the script');
  t.match(how.redis?.env, [{ name: 'REDIS_EXTRA_FLAGS', value: /--replicaof 127\.0\.0\.1 1/ }]);
});

void test('a value that is called like a shell is no shell', async (t) => {
  const how = read({ args: ['redis-server', '--dir', '/data/dash'] });
  isInjected(t, how, 'a server with arguments');
  t.match(how.redis?.args?.join(' '), /--dir \/data\/dash --replicaof 127\.0\.0\.1 1/);
});

void test('ways to start a server that were left alone without a word', async (t) => {
  const dashes = read({
    command: ['/bin/sh', '-c', '--'],
    args: ['exec redis-server --port 7000'],
  });
  isInjected(t, dashes, 'sh -c --');
  t.equal(environment(dashes)['RO_REDIS_PORT'], '7000');
  isInjected(t, read({ command: ['timeout', '600', 'redis-server'] }), 'timeout');
  const script = read({ command: ['/bin/sh', '/scripts/start-redis'] });
  isInjected(t, script, 'a script without .sh');
  t.ok(script.codes.includes('boot-fence-absent'), 'and it is told what is weaker');
});

void test('nothing is put behind a configuration from standard input', async (t) => {
  const args = ['redis-server', '--port', '6380', '-'];
  const how = read({ args });
  isInjected(t, how, 'it is Redis');
  t.same(how.redis?.args, args, 'with more behind it Redis would not start');
  t.ok(how.codes.includes('boot-fence-absent'));
});

void test('a password that only the shell knows is never taken for its text', async (t) => {
  const env = [
    { name: 'REDIS_PASSWORD', valueFrom: { secretKeyRef: { name: 'redis', key: 'password' } } },
  ];
  const started = (value: string): Read =>
    read({ command: ['sh', '-c', `exec redis-server --requirepass ${value}`], env });
  for (const value of [
    '"$(printenv PW)"',
    '"$(cat /f | tr -d x)"',
    '`cat /f`',
    '"pre-$REDIS_PASSWORD"',
    '"${OTHER:-changeme}"',
  ]) {
    const how = started(value);
    t.ok(how.codes.includes('password-opaque'), value);
    t.equal(environment(how)['REDIS_PASSWORD'], undefined, 'no text in its place');
  }
  for (const value of [
    '"${REDIS_PASSWORD:-changeme}"',
    '"${REDIS_PASSWORD:?}"',
    '$REDIS_PASSWORD',
  ]) {
    const own = list(started(value).agent?.env).find(({ name }) => name === 'REDIS_PASSWORD');
    t.match(own, { valueFrom: { secretKeyRef: { name: 'redis', key: 'password' } } }, value);
  }
  const plain = read({ args: ['--requirepass', '$REDIS_PASSWORD'], env });
  t.equal(
    environment(plain)['REDIS_PASSWORD'],
    '$REDIS_PASSWORD',
    'without a shell it is the text',
  );
  t.ok(plain.codes.includes('literal-password'), 'and that is told');
});
