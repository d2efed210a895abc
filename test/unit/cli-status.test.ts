// status: the screen, the exit codes, and what is said where a right is missing.

import { PassThrough } from 'node:stream';
import t from 'tap';
import { parse } from 'yaml';
import { askOn } from '../../cli/live/terminal.ts';
import { FakeCluster, ran, report } from './cli-live-fixtures.ts';

const HEALTHY = `shop/redis                                      HEALTHY, failover possible
master  redis-0   term 14   since 3d2h   (after redis-2: switchover asked for by alice)
lease   held by redis-0, renewed 0.4s ago; others may take it once it is 4s old (profile balanced)
route   svc/redis selects redis-role=master ✔

POD      ROLE     STATE      OFFSET      BEHIND    NEXT  NODE
redis-0  master   writable   88,120,415  -         -     node-a
redis-1  replica  streaming  88,020,415  100.0 KB  1st   node-a
redis-2  replica  streaming  88,120,415  0 B       2nd   node-a

If redis-0 crashes: redis-1 takes over, ~0.1 s (its node lost: up to ~4 s)
Last change, to term 14 (3d2h ago): redis-2 → redis-0, switchover asked for by alice; writes paused for 4 ms; lost 0 B
`;

await t.test('healthy: one screen, exit 0', async (t) => {
  const { code, stdout, stderr } = await ran(new FakeCluster(), ['status', 'redis']);
  t.equal(stdout, HEALTHY);
  t.same([code, stderr], [0, '']);
  const unnamed = await ran(new FakeCluster(), ['status']);
  t.same([unnamed.code, unnamed.stdout], [0, HEALTHY], 'the one group of the namespace');
});

await t.test('degraded: each reason has its line, exit 3', async (t) => {
  const fake = new FakeCluster();
  const syncing = { inSync: false, problem: 'RO_DATA_CONFLICT: foreign data' };
  fake.reports = [report(0), report(1, syncing), report(2, { weaknesses: ['no kill'] })];
  const { code, stdout } = await ran(fake, ['status', 'redis']);
  t.equal(code, 3);
  t.match(stdout, /DEGRADED, failover possible/);
  t.match(stdout, /redis-1 {2}replica {2}catching up .* no {4}node-a/);
  t.match(stdout, '! redis-1: RO_DATA_CONFLICT: foreign data\n');
  t.match(stdout, '! redis-2: no kill\n');
  t.notMatch(stdout, /redis-1 cannot take over/, 'one reason is told once');
});

await t.test('a pause is shown with its end, exit 3', async (t) => {
  const fake = new FakeCluster();
  const paused = { by: 'alice', reason: 'disks', until: '2026-01-31T14:00:00.000Z' };
  fake.reports = fake.reports.map((each) => ({ ...each, paused }));
  const { code, stdout } = await ran(fake, ['status', 'redis']);
  t.equal(code, 3);
  t.match(stdout, 'paused  by alice until 2026-01-31T14:00:00.000Z (2h left): disks\n');
  t.match(stdout, /nobody takes over until/);
});

await t.test('critical: no master, or agents that are all silent, exit 4', async (t) => {
  const fake = new FakeCluster();
  fake.reports = [report(0, { isMaster: false, role: 'limbo', state: 'Deciding' }), report(1)];
  const { code, stdout } = await ran(fake, ['status', 'redis']);
  t.equal(code, 4);
  t.match(stdout, /CRITICAL, no master: redis-0 holds the Lease and does not lead: Deciding/);
  t.match(stdout, /master {2}none {3}term 14/);
  for (const { podName } of fake.reports) fake.silent.add(podName);
  const silent = await ran(fake, ['status', 'redis']);
  t.equal(silent.code, 4);
  t.match(silent.stdout, /no agent was heard/);
});

await t.test(
  'without pods/proxy its port-forward; without both the Lease alone, exit 1',
  async (t) => {
    const fake = new FakeCluster();
    fake.denied.add('get pods/proxy');
    const { code, stdout } = await ran(fake, ['status', 'redis']);
    t.same([code, stdout, fake.forwards], [0, HEALTHY, 3]);
    fake.denied.add('create pods/portforward');
    const blind = await ran(fake, ['status', 'redis']);
    t.equal(blind.code, 1);
    t.match(blind.stdout, /UNKNOWN, no agent could be asked/);
    t.match(blind.stdout, 'lease   held by redis-0');
    t.match(blind.stdout, '? not seen: you may not get pods/proxy in namespace shop\n');
    const json = await ran(fake, ['status', 'redis', '-o', 'json']);
    t.equal(json.code, 1);
    t.match(JSON.parse(json.stdout), { summary: /you may not get pods\/proxy in namespace shop/ });
    t.equal(json.stderr, 'not seen: you may not get pods/proxy in namespace shop\n');
  },
);

await t.test('what may be seen is shown, and the verb that is missing is named', async (t) => {
  const fake = new FakeCluster();
  fake.denied.add('get leases').add('list leases');
  const { code, stdout } = await ran(fake, ['status', 'redis']);
  t.equal(code, 0, 'the agents tell of the Lease');
  t.match(stdout, 'held by redis-0, renewed 0.4s ago');
  t.match(stdout, '? not seen: you may not get leases in namespace shop\n');
  const all = await ran(fake, ['status', '-A', '-o', 'json']);
  t.match(all.stderr, 'not looked at: you may not list leases in all namespaces\n');
  fake.denied.add('list pods');
  const none = await ran(fake, ['status']);
  t.same([none.code, none.stdout], [1, '']);
  t.match(none.stderr, /no group can be looked for: you may not list leases .*; .* list pods/);
});

await t.test('JSON and YAML are the view itself; without a name a list of them', async (t) => {
  const fake = new FakeCluster();
  const view = JSON.parse(JSON.stringify(fake.view())) as unknown;
  const json = await ran(fake, ['status', 'redis', '-o', 'json']);
  t.same([json.code, JSON.parse(json.stdout)], [0, view]);
  const yaml = await ran(fake, ['status', 'redis', '-o', 'yaml']);
  t.same(parse(yaml.stdout), view);
  t.same(JSON.parse((await ran(fake, ['status', '-o', 'json'])).stdout), [view]);
});

await t.test('there is no such group: exit 1; no group at all is no failure', async (t) => {
  const other = new FakeCluster();
  const { code, stdout, stderr } = await ran(other, ['status', 'nope']);
  t.same([code, stdout], [1, '']);
  t.match(stderr, 'there is no group nope in namespace shop. Remedy: status -A');
  other.hasLease = false;
  other.reports = [];
  const none = await ran(other, ['status']);
  t.same(
    [none.code, none.stderr],
    [0, 'no group in namespace shop. Remedy: status -A looks in all of them.\n'],
  );
});

await t.test(
  'colours: on a terminal only, never with NO_COLOR, unless they are asked for',
  async (t) => {
    const fake = new FakeCluster();
    const isColored = async (args: readonly string[], options = {}): Promise<boolean> =>
      (await ran(fake, ['status', 'redis', ...args], options)).stdout.includes('\u001b[32mHEALTHY');
    t.equal(await isColored([]), false);
    t.equal(await isColored([], { isTerminal: true }), true);
    t.equal(await isColored([], { isTerminal: true, env: { NO_COLOR: '1' } }), false);
    t.equal(await isColored(['--color', 'always'], { env: { NO_COLOR: '1' } }), true);
    t.equal(await isColored(['--color', 'never'], { isTerminal: true }), false);
  },
);

await t.test('what agents tell cannot steer the terminal', async (t) => {
  const fake = new FakeCluster();
  fake.reports = [report(0, { problem: '\u001b[2J\u0007evil\nline' }), report(1), report(2)];
  const { stdout } = await ran(fake, ['status', 'redis']);
  t.match(stdout, '! redis-0:  [2J evil line\n');
  t.notOk(stdout.includes('\u001b') || stdout.includes('\u0007'));
});

/** With a sign in place of each escape character. */
await t.test('what people wrote cannot either: in check, in data, and in a question', async (t) => {
  // oxlint-disable-next-line no-control-regex
  const steering = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
  const fake = new FakeCluster();
  const by = 'eve\u001b[2J\u009b2J\u202e\n√ all is well';
  const paused = { by, reason: '', until: '2026-01-31T13:00:00.000Z' };
  fake.reports = fake.reports.map((each) => ({ ...each, paused }));
  const check = await ran(fake, ['check']);
  t.match(check.stdout, /eve \[2J 2J √ all is well/, 'in one line, and told');
  t.notMatch(check.stdout, steering);
  const json = await ran(fake, ['status', 'redis', '-o', 'json']);
  t.notMatch(json.stdout, steering);
  t.match(JSON.parse(json.stdout), { paused: { by } }, 'the same value');
  const yaml = await ran(fake, ['status', 'redis', '-o', 'yaml']);
  t.notMatch(yaml.stdout.replaceAll('\u202e', ''), steering);
  t.match(parse(yaml.stdout), { paused: { by } });
  const connect = async () => await Promise.reject(new Error('a plugin\u001b]0;owned\u0007'));
  t.notMatch((await ran(fake, ['status'], { connect })).stderr, steering);

  const [input, output] = [new PassThrough(), new PassThrough()];
  const answer = askOn(input, output, `the pause by ${by}\rgo on? `);
  input.end('n\n');
  t.equal(await answer, 'n');
  t.equal(String(output.read()), 'the pause by eve [2J 2J √ all is well go on? ');
});

const shown = (text: string): string => text.replaceAll('\u001b', '~');

await t.test(
  '-w paints in place: one write for each look, nothing is cleared before',
  async (t) => {
    const fake = new FakeCluster();
    const onSleep = (count: number): void => {
      if (count === 1) fake.reports = [report(0), report(1), report(2, { weaknesses: ['weak'] })];
    };
    const options = { isTerminal: true, endAfter: 3, onSleep, rows: 8, columns: 60 };
    const { code, writes } = await ran(fake, ['status', 'redis', '-w'], options);
    t.equal(code, 3, 'as the last look was');
    t.equal(writes.length, 4, 'three looks, and the picture that stays');
    for (const [index, write] of writes.slice(0, 3).map(shown).entries()) {
      t.match(write, /^(~\[\?1049h~\[\?25l)?~\[\?2026h~\[H/);
      t.match(write, /\n~\[J~\[\?2026l$/, 'what is left is cleared after the last line');
      const lines = write.split('\n').slice(0, -1);
      t.equal(lines.length, 7, 'it fits');
      t.ok(lines.every((line) => line.endsWith('~[K')));
      const plain = lines.map((line) => line.replaceAll(/~\[[?\d;]*[A-Za-z]/g, ''));
      t.ok(plain.every((line) => line.length <= 60));
      t.match(plain.at(-1), /^… \d+ more lines$/);
      t.match(plain[0], index === 0 ? 'HEALTHY' : 'DEGRADED');
    }
    t.match(shown(writes[0] ?? ''), /^~\[\?1049h/, 'on a screen of its own');
    t.match(shown(writes[3] ?? ''), /^~\[\?25h~\[\?1049l.*shop\/redis/, 'and back');
  },
);

await t.test('-w into a file writes what changed; as JSON a line for each', async (t) => {
  const fake = new FakeCluster();
  const onSleep = (count: number): void => {
    if (count === 2) fake.reports = [report(0), report(1), report(2, { weaknesses: ['weak'] })];
    else fake.reports = fake.reports.map((each) => ({ ...each, offset: (each.offset ?? 0) + 1 }));
  };
  const { writes } = await ran(fake, ['status', 'redis', '-w', '-o', 'json'], {
    endAfter: 5,
    onSleep,
  });
  t.equal(writes.length, 2);
  for (const write of writes) t.match(write, /^\{.*\}\n$/);
});

await t.test('the API server does not answer: exit 1, in words', async (t) => {
  const fake = new FakeCluster();
  const ask = async () =>
    ({ ok: false, status: 0, detail: 'no answer from x within 10s', missing: null }) as const;
  const connect = async () => ({ ...fake.cluster, ask });
  const { code, stdout } = await ran(fake, ['status', 'redis'], { connect });
  t.equal(code, 1);
  t.match(stdout, /UNKNOWN, no agent could be asked: no answer from x within 10s/);
});

await t.test(
  'check and explain of the cluster: what may not be read is named, exit 1',
  async (t) => {
    const fake = new FakeCluster();
    const lists = ['list services', 'list statefulsets.apps', 'list deployments.apps'];
    for (const each of lists) fake.denied.add(each);
    const checked = await ran(fake, ['check']);
    t.equal(checked.code, 1);
    t.match(
      checked.stdout,
      /^\? objects: not looked at: you may not list statefulsets\.apps in namespace shop \[not-seen\]$/m,
    );
    t.match(checked.stdout, /^√ group shop\/redis: healthy, /m, 'the rest is looked at');
    const explained = await ran(fake, ['explain', 'redis-0']);
    t.match(explained, { code: 0, stdout: /^Pod shop\/redis-0: would be left alone: / });
    fake.denied.add('get pods');
    const denied = await ran(fake, ['explain', 'redis-0']);
    t.match(denied, { code: 1, stderr: 'you may not get pods in namespace shop\n' });
    t.match(await ran(new FakeCluster(), ['explain', 'nope']), { code: 1, stderr: /no pod nope/ });
  },
);

await t.test(
  'pods without a label of ours: the holder is asked, and tells of the others',
  async (t) => {
    const fake = new FakeCluster();
    fake.isLabelled = false;
    const { code, stdout } = await ran(fake, ['status', 'redis']);
    t.same([code, stdout], [0, HEALTHY]);
  },
);
