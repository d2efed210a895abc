// Options, passwords and addresses of Redis that were read wrongly once: each by what went wrong.

import { type Test, test } from 'tap';
import { type EnvVar, list } from '../../webhook/core/pod.ts';
import { environment, isInjected, type Read, read } from './webhook-read.ts';

const SECRET = { secretKeyRef: { name: 'redis', key: 'password' } };
const PW: EnvVar = { name: 'PW', valueFrom: SECRET };
const BITNAMI = 'bitnami/redis:7.0';

function skips(t: Test, how: Read, code: string): void {
  t.equal(how.decision.kind, 'skip', code);
  t.ok(how.codes.includes(code), how.codes.join());
}

function passwordOf({ agent }: Read): EnvVar | undefined {
  return list(agent?.env).find(({ name }) => name === 'REDIS_PASSWORD');
}

void test('a reference to a Secret among the flags of a variable hid all of them', async (t) => {
  const flagged = (value: string, image = BITNAMI, name = 'REDIS_EXTRA_FLAGS'): Read =>
    read({ image, env: [PW, { name, value }] });
  skips(t, flagged('--requirepass $(PW) --cluster-enabled yes'), 'owned-cluster');
  skips(t, flagged('--requirepass $(PW) --replicaof $(PW) 6379'), 'owned-replication');
  for (const [image, name] of [
    [BITNAMI, 'REDIS_EXTRA_FLAGS'],
    ['redis/redis-stack', 'REDIS_ARGS'],
    ['valkey/valkey:8', 'VALKEY_EXTRA_FLAGS'],
  ] as const) {
    const how = flagged('--port 7000 --requirepass $(PW)', image, name);
    isInjected(t, how, image);
    t.equal(environment(how)['RO_REDIS_PORT'], '7000', image);
    t.match(passwordOf(how), { valueFrom: SECRET }, image);
    t.notOk(how.codes.includes('flags-hidden'), 'a value of a visible option hides nothing');
  }
  const more = flagged('$(PW) --port 7000');
  t.ok(more.codes.includes('flags-hidden'), 'a Secret may hold options');
  const literal = read({
    image: BITNAMI,
    env: [
      { name: 'COMMON', value: '--port 7001 --maxmemory 1mb' },
      { name: 'REDIS_EXTRA_FLAGS', value: '$(COMMON)' },
    ],
  });
  t.equal(environment(literal)['RO_REDIS_PORT'], '7001');
  t.notOk(literal.codes.includes('flags-hidden'));
});

void test('the official image of Valkey puts VALKEY_EXTRA_FLAGS behind its arguments, and behind our fence', async (t) => {
  const name = 'VALKEY_EXTRA_FLAGS';
  const image = 'valkey/valkey:8';
  const FENCE = '--replicaof 127.0.0.1 1 --replica-read-only yes';
  const how = read({
    image,
    args: ['--port', '7000'],
    env: [{ name, value: '--port 7001 --replica-read-only no' }],
  });
  isInjected(t, how, 'it is Redis');
  t.equal(environment(how)['RO_REDIS_PORT'], '7001', 'the last one wins');
  t.equal(how.redis?.env?.[0]?.value, `--port 7001 --replica-read-only no ${FENCE}`);
  t.match(
    how.redis?.args?.join(' '),
    FENCE,
    'and in the arguments, for images without the variable',
  );
  const plain = read({ image, env: [{ name, value: '--maxmemory 1mb' }] });
  t.same(plain.redis?.args, ['valkey-server', ...FENCE.split(' ')]);
  skips(t, read({ image, env: [{ name, value: '--replicaof other 6379' }] }), 'owned-replication');
  const direct = read({
    image,
    command: ['valkey-server'],
    env: [{ name, value: `--port 7001 ${FENCE}` }],
  });
  t.equal(
    environment(direct)['RO_REDIS_PORT'],
    '6379',
    'a command takes the place of the entrypoint',
  );
  const redis = read({ image: 'redis:7', env: [{ name, value: '--port 7001' }] });
  t.equal(environment(redis)['RO_REDIS_PORT'], '6379', "Redis' own image knows no such variable");
  const hidden = read({ image, env: [{ name, valueFrom: SECRET }] });
  isInjected(t, hidden, 'with a reason');
  t.ok(hidden.codes.includes('flags-hidden'), hidden.codes.join());
});

void test('a password through a variable that is called like the one of the agent', async (t) => {
  const args = ['--requirepass', '$(PW)'];
  const own: EnvVar = { name: 'REDIS_PASSWORD', valueFrom: SECRET };
  const alias = read({ args, env: [own, { name: 'PW', value: '$(REDIS_PASSWORD)' }] });
  t.match(passwordOf(alias), { valueFrom: SECRET });
  t.notOk(alias.codes.includes('password-unknown'));
  const part = read({ args, env: [own, { name: 'PW', value: 'pre-$(REDIS_PASSWORD)' }] });
  t.equal(passwordOf(part)?.value, 'pre-$(RO_COPY_REDIS_PASSWORD)');
  const names = list(part.agent?.env).map(({ name }) => name);
  const [copy, target] = [names.indexOf('RO_COPY_REDIS_PASSWORD'), names.indexOf('REDIS_PASSWORD')];
  t.ok(copy >= 0 && copy < target, 'defined before it is used');
  const written = read({ args: ['--requirepass', 'x$(REDIS_PASSWORD)'], env: [own] });
  t.equal(passwordOf(written)?.value, 'x$(RO_COPY_REDIS_PASSWORD)');
  const foreign = read({
    args: ['--requirepass', 'x$(POD_NAME)'],
    env: [{ name: 'POD_NAME', value: 'mine' }],
  });
  t.equal(environment(foreign)['RO_COPY_POD_NAME'], 'mine', "the agent's own POD_NAME is another");
});

void test('a script that sets the variable of the password itself', async (t) => {
  const env: EnvVar[] = [{ name: 'REDIS_PASSWORD', valueFrom: SECRET }];
  const started = (before: string, value = '"$REDIS_PASSWORD"'): Read =>
    read({ command: ['sh', '-c', `${before}exec redis-server --requirepass ${value}`], env });
  for (const before of [
    'export REDIS_PASSWORD=$(printenv OTHER | tr -d x)\n',
    'read REDIS_PASSWORD < /f; ',
    'if [ -f /f ]; then REDIS_PASSWORD=a; fi\n',
    '[ -f /f ] && REDIS_PASSWORD=a; ',
    'REDIS_PASSWORD="$REDIS_PASSWORD-x"\n',
    'for REDIS_PASSWORD in a b; do :; done; ',
    "REDIS_PASSWORD='$HOME'\n",
    ': ${REDIS_PASSWORD:=x}; ',
  ]) {
    const how = started(before);
    t.ok(how.codes.includes('password-opaque'), before);
    t.equal(passwordOf(how), undefined, `nothing in its place: ${before}`);
  }
  for (const before of ['export REDIS_PASSWORD=hunter2\n', 'REDIS_PASSWORD="hunter2" && ']) {
    const how = started(before);
    t.equal(passwordOf(how)?.value, 'hunter2', before);
    t.ok(how.codes.includes('literal-password'), before);
  }
  const file = started('export REDIS_PASSWORD="$(cat /secrets/password)"; ');
  t.equal(environment(file)['RO_REDIS_PASSWORD_FILE'], '/secrets/password');
  const other = started('set -e\nexport P="$REDIS_PASSWORD"\n', '"$P"');
  t.match(passwordOf(other), { valueFrom: SECRET });
  t.match(passwordOf(started('echo "$REDIS_PASSWORD"; ')), { valueFrom: SECRET }, 'only read');
  t.match(passwordOf(started('MY_REDIS_PASSWORD=x; ')), { valueFrom: SECRET }, 'another name');
});

void test('a Redis that does not listen on localhost: its agent never reached it', async (t) => {
  const env: EnvVar[] = [
    { name: 'IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
  ];
  const bound = (...words: string[]): Read => read({ args: ['--bind', ...words], env });
  t.equal(environment(bound('$(IP)'))['RO_REDIS_HOST'], '$(POD_IP)');
  t.equal(environment(bound('10.0.0.7'))['RO_REDIS_HOST'], '10.0.0.7');
  for (const words of [
    ['$(IP)', '127.0.0.1'],
    ['0.0.0.0'],
    ['*', '-::*'],
    ['::'],
    ['10.0.0.7', '-::1'],
    ['$(IP) 127.0.0.1'],
  ]) {
    const how = bound(...words);
    t.equal(environment(how)['RO_REDIS_HOST'], undefined, words.join(' '));
    t.same(how.codes, [], words.join(' '));
  }
  const shell = (word: string): Read =>
    read({ command: ['sh', '-c', `exec redis-server --bind ${word}`], env });
  t.equal(environment(shell('$IP'))['RO_REDIS_HOST'], '$(POD_IP)');
  t.equal(environment(shell('$(hostname -i)'))['RO_REDIS_HOST'], '$(POD_IP)');
  t.same(shell('$(ip-of eth0)').codes, ['bind-unknown']);
  t.same(bound('$(NOWHERE)').codes, ['bind-unknown']);
});

void test('users, includes and TLS options of the command line that the agent does not see', async (t) => {
  const codes = (...args: string[]): readonly string[] => read({ args }).codes;
  t.same(codes('--user', 'default on >x ~* +@all'), ['acl-without-user']);
  t.same(codes('--user default on >x ~* +@all'), ['acl-without-user']);
  t.same(codes('--user', 'alice on >x ~* +@all'), [], 'the default user is as it was');
  t.ok(codes('--requirepass', 'y', '--user', 'default on >x').includes('acl-without-user'));
  const mounts = {
    volumeMounts: [{ name: 'more', mountPath: '/more' }],
  };
  const included = read({ args: ['--include', '/more/redis.conf'], ...mounts });
  t.equal(environment(included)['RO_REDIS_CONFIG_FILE'], '/more/redis.conf');
  t.match(included.agent?.volumeMounts, [{ name: 'more', mountPath: '/more', readOnly: true }]);
  t.same(codes('--include', '/etc/redis/more.conf'), ['config-file-hidden'], 'in the image');
  t.same(read({ args: ['/more/a.conf', '--include', '/more/b.conf'], ...mounts }).codes, [
    'include-unread',
  ]);
  t.same(read({ args: ['--include', '/more/*.conf'], ...mounts }).codes, ['include-unread']);
  const tls = ['--port', '0', '--tls-port', '6379'];
  t.same(codes(...tls, '--tls-ca-cert-dir', '/certs'), ['tls-option-unknown']);
  t.same(codes(...tls, '--tls-key-file-pass', 'x'), ['tls-option-unknown']);
  t.same(codes(...tls, '--tls-key-file-pass', 'x', '--tls-auth-clients', 'no'), []);
});

void test('a postStart hook that replicates', async (t) => {
  const hooked = (...command: string[]): Read =>
    read({ lifecycle: { postStart: { exec: { command } } } });
  skips(t, hooked('redis-cli', 'replicaof', 'redis-0.redis', '6379'), 'owned-replication');
  skips(t, hooked('sh', '-c', 'sleep 5; redis-cli SLAVEOF redis-0 6379'), 'owned-replication');
  isInjected(t, hooked('redis-cli', 'replicaof', 'no', 'one'), 'nobody is no master');
  isInjected(t, hooked('redis-cli', 'config', 'set', 'maxmemory', '1mb'), 'another command');
});
