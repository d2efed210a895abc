import t from 'tap';
import { readConfig } from '../../agent/config.ts';
import { AGENT_OPTIONS } from '../../agent/options.ts';

const REQUIRED = ['--pod-name', 'redis-0', '--namespace', 'shop'];

function errorsOf(args: readonly string[], env: Record<string, string> = {}): readonly string[] {
  const result = readConfig(args, env);
  return result.kind === 'invalid' ? result.errors : [];
}

await t.test('defaults are those of the table', (t) => {
  const result = readConfig(REQUIRED, {});
  if (result.kind !== 'config') return t.fail('refused');
  const { redisHost, redisPort, syncInterval, labelSelector, httpPort, timing } = result.config;
  t.same(
    [redisHost, redisPort, syncInterval, labelSelector, httpPort],
    ['localhost', 6379, 15_000, 'app=redis', 8080],
  );
  t.equal(timing.waitMs, 4000, 'balanced');
  t.end();
});

await t.test('flags win over the environment, which wins over defaults', (t) => {
  const env = { POD_NAME: 'redis-1', POD_NAMESPACE: 'bank', RO_REDIS_PORT: '7000' };
  const result = readConfig(['--pod-name=redis-0', '--redis-port', '7001'], env);
  if (result.kind !== 'config') return t.fail('refused');
  t.same(
    [result.config.podName, result.config.namespace, result.config.redisPort],
    ['redis-0', 'bank', 7001],
  );
  t.end();
});

await t.test('an empty environment variable counts as absent', (t) => {
  const result = readConfig(REQUIRED, { RO_REDIS_PORT: '' });
  t.equal(result.kind === 'config' && result.config.redisPort, 6379);
  t.end();
});

await t.test('each mistake is named with its flag, its value and the remedy, all at once', (t) => {
  const errors = errorsOf([
    '--redis-port',
    '70000',
    '--sync-interval',
    '15',
    '--frob',
    '--redis-tls=yes',
  ]);
  t.equal(errors.length, 6);
  const text = errors.join('\n');
  for (const part of ['--redis-port', '"70000"', '--sync-interval', '"15"', '--frob', '"yes"']) {
    t.match(text, part);
  }
  t.match(text, /--pod-name: is missing\. Remedy: set --pod-name or POD_NAME/);
  for (const error of errors) t.match(error, 'Remedy:');
  t.end();
});

await t.test('a password is never shown, not even a refused one', (t) => {
  const help = readConfig(['--help'], { REDIS_PASSWORD: 'hunter2' });
  t.equal(help.kind, 'help');
  t.notMatch(JSON.stringify(help), 'hunter2');
  t.notMatch(
    errorsOf([...REQUIRED, '--redis-port', 'x'], { REDIS_PASSWORD: 'hunter2' }).join(),
    'hunter2',
  );
  t.end();
});

await t.test('--help names every flag, its variable and its default', (t) => {
  const help = readConfig(['--help'], {});
  if (help.kind !== 'help') return t.fail('no help');
  for (const spec of Object.values(AGENT_OPTIONS)) {
    t.ok(help.text.includes(`--${spec.flag} `), spec.flag);
    t.ok(help.text.includes(spec.env), spec.env);
  }
  t.end();
});

await t.test('TLS details without TLS, and half a key pair, are refused', (t) => {
  t.match(errorsOf([...REQUIRED, '--redis-tls-ca', 'ca.crt']).join(), /--redis-tls: is false/);
  t.match(
    errorsOf([...REQUIRED, '--redis-tls', '--redis-tls-cert', 'a']).join(),
    /only one is given/,
  );
  t.end();
});

await t.test('names that Kubernetes would refuse are refused', (t) => {
  t.match(errorsOf(['--pod-name', 'Redis_0', '--namespace', 'shop']).join(), /"Redis_0"/);
  t.end();
});

await t.test('--isolation is refused where another may lead before it bites', (t) => {
  const fast = errorsOf([...REQUIRED, '--isolation', '--timing-profile', 'fast']);
  t.equal(fast.length, 1);
  t.match(
    fast[0],
    /^--isolation: is true with --timing-profile fast: .* after 2000 ms\. Remedy: choose --timing-profile balanced or calm, or leave --isolation out\.$/,
  );
  t.same(errorsOf([...REQUIRED, '--isolation']), [], 'balanced');
  t.same(errorsOf([...REQUIRED, '--isolation', '--timing-profile', 'calm']), []);
  t.end();
});
