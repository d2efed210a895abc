// history and events, from the record of the Lease and from Events; what is said where a right is missing.

import t from 'tap';
import { FakeCluster, ran } from './cli-live-fixtures.ts';

await t.test('history: the newest first, from the Lease alone', async (t) => {
  const fake = new FakeCluster();
  fake.denied.add('list pods').add('get pods/proxy');
  const { code, stdout } = await ran(fake, ['history', 'redis']);
  t.equal(code, 0);
  t.equal(
    stdout,
    `TERM  HOLDER   WHEN        WHY
14    redis-0  3d2h ago    switchover asked for by alice
13    redis-2  30d12h ago  the first master
`,
  );
  const one = await ran(fake, ['history', 'redis', '--limit', '1', '-o', 'json']);
  t.match(JSON.parse(one.stdout), [{ term: 14, isOpened: true, request: 'r13' }]);
  const all = await ran(fake, ['history', 'redis', '-v']);
  t.match(all.stdout, /opened {2}r13/);
  t.match(
    all.stdout,
    `
term 14
  candidates  redis-0 at 87,000,000, redis-1 at 0 (no: it is loading its dataset)
  decided by  redis-0 has the smaller name among equals
  no writes   4 ms
  lost        0 B
`,
  );
  fake.denied.add('get leases');
  t.match(await ran(fake, ['history', 'redis']), {
    code: 1,
    stdout: '',
    stderr: 'you may not get leases in namespace shop\n',
  });
  t.match(await ran(new FakeCluster(), ['history', 'nope']), {
    code: 1,
    stderr: /there is no group nope/,
  });
  t.match(await ran(new FakeCluster(), ['history', '../../pods']), {
    code: 2,
    stderr: /^GROUP: "\.\.\/\.\.\/pods" is no name\. Remedy: /,
  });
});

const event = (reason: string, kind: string, name: string, minute: number, more: object = {}) => ({
  metadata: { uid: reason },
  involvedObject: { kind, name },
  type: 'Warning',
  reason,
  message: `${reason} happened`,
  lastTimestamp: `2026-01-31T11:${String(minute).padStart(2, '0')}:00Z`,
  ...more,
});

await t.test(
  'events: those of the group and its pods, and its terms, in their order',
  async (t) => {
    const fake = new FakeCluster();
    fake.events = [
      event('Fenced', 'Pod', 'redis-1', 50, { count: 3 }),
      event('Failover', 'StatefulSet', 'redis', 40),
      event('Other', 'Pod', 'web-0', 45),
      event('Old', 'Pod', 'redis-0', 1),
    ];
    const { code, stdout } = await ran(fake, ['events', 'redis', '--since', '30m']);
    t.equal(code, 0);
    t.match(stdout.split('\n'), [
      /^2026-01-31T11:40:00Z {2}Warning Failover .*StatefulSet\/redis .*Failover happened$/,
      /^2026-01-31T11:50:00Z {2}Warning Fenced .*Pod\/redis-1 .*Fenced happened \(3 times\)$/,
      '',
    ]);
    const all = await ran(fake, ['events', 'redis', '--since', '1000h', '-o', 'json']);
    t.match(JSON.parse(all.stdout), [
      { reason: 'Term13' },
      { reason: 'Term14', about: 'Pod/redis-0' },
      { reason: 'Old' },
      { reason: 'Failover' },
      { reason: 'Fenced' },
    ]);
  },
);

await t.test('events: what kubelet tells of each container is shown with -v alone', async (t) => {
  const fake = new FakeCluster();
  fake.events = [
    event('Started', 'Pod', 'redis-1', 50, { type: 'Normal' }),
    event('Killing', 'Pod', 'redis-1', 51, { type: 'Normal' }),
    event('MasterElected', 'StatefulSet', 'redis', 52, { type: 'Normal' }),
  ];
  const asked = ['events', 'redis', '--since', '30m'];
  const { stdout, stderr } = await ran(fake, asked);
  t.match(stdout.split('\n'), [/ Killing /, / MasterElected /, '']);
  t.equal(stderr, 'one Event of pods that started left out: -v shows it\n');
  const all = await ran(fake, [...asked, '-v']);
  t.match(all.stdout.split('\n'), [/ Started /, / Killing /, / MasterElected /, '']);
  t.equal(all.stderr, '');
  const data = await ran(fake, [...asked, '-o', 'json']);
  t.equal((JSON.parse(data.stdout) as unknown[]).length, 3, 'data are whole');
  fake.events = fake.events.slice(0, 1);
  t.notMatch((await ran(fake, asked)).stderr, /nothing in that time/);
});

await t.test('events -w: each once, and a repetition again', async (t) => {
  const fake = new FakeCluster();
  fake.events = [event('Fenced', 'Pod', 'redis-1', 50)];
  const onSleep = (count: number): void => {
    if (count === 2) fake.events = [event('Fenced', 'Pod', 'redis-1', 55, { count: 2 })];
  };
  const { stdout } = await ran(fake, ['events', 'redis', '-w'], { onSleep, endAfter: 4 });
  t.equal(stdout.trimEnd().split('\n').length, 2);
});

await t.test('events: what may not be read is named, exit 1, and the rest is told', async (t) => {
  const fake = new FakeCluster();
  fake.denied.add('list events');
  const { code, stdout, stderr } = await ran(fake, ['events', 'redis', '--since', '1000h']);
  t.equal(code, 1);
  t.match(stdout, /Term14/);
  t.equal(stderr, 'not looked at: you may not list events in namespace shop\n');
});
