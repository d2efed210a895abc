// switchover, pause and resume against agents that answer as they are told: what is asked, what is said, exit codes.

import t from 'tap';
import type { Answer, Question } from '../../cli/live/cluster.ts';
import { world } from '../../cli/live/terminal.ts';
import { isMap } from '../../src/json.ts';
import { REQUEST_ANNOTATION } from '../../src/names.ts';
import type { RequestAnswer } from '../../src/wire.ts';
import { FakeCluster, NOW, ran, report } from './cli-live-fixtures.ts';

const CALL = ['switchover', 'redis', '--to', 'redis-1', '--yes', '--wait', '5s'];

/** The master answers so. */
function answering(outcome: RequestAnswer['outcome'], detail: string): FakeCluster {
  const fake = new FakeCluster();
  fake.onRequest = (_kind, text) => {
    if (text === null) return;
    const request = { id: 'id-1', outcome, detail };
    fake.reports = [report(0, { request }), ...fake.reports.slice(1)];
  };
  return fake;
}

await t.test('done: what must hold comes first, the pause is printed, exit 0', async (t) => {
  const fake = answering('done', 'redis-1 leads since term 15');
  const { code, stdout } = await ran(fake, CALL);
  t.equal(code, 0);
  t.equal(
    stdout,
    `switchover shop/redis: redis-0 → redis-1
√ redis-0 is the one master, takes writes and holds the Lease, term 14
√ redis-1 can take over: 1st in line, streaming, 100.0 KB behind
√ alice may ask for it
√ redis-1 leads since term 15; writes paused for 4 ms; no write was lost
`,
  );
  t.equal(fake.requests.length, 2, 'tried first, and then written');
  const { path = '', body } = fake.requests[1] ?? {};
  t.match(path, /leases\/redis-orchestrator\.request\.redis\?fieldManager=[a-z-]+&force=true$/);
  const metadata = isMap(body) && isMap(body['metadata']) ? body['metadata'] : {};
  const annotations = isMap(metadata['annotations']) ? metadata['annotations'] : {};
  t.same(JSON.parse(String(annotations[REQUEST_ANNOTATION])), {
    id: 'id-1',
    operation: 'switchover',
    target: 'redis-1',
    term: 14,
    expires: new Date(Date.parse(NOW) + 6000).toISOString(),
    by: 'alice',
  });
});

await t.test('unsafe: refused before anything is written, exit 5', async (t) => {
  for (const [change, why] of [
    [{ inSync: false }, /× redis-1 cannot take over: it lacks data/],
    [{ offset: 80_000_000 }, /× redis-1 cannot take over: it is 8\.1 MB behind, more than 4\.2 MB/],
  ] as const) {
    const fake = new FakeCluster();
    fake.reports = [report(0), report(1, change), report(2)];
    const { code, stdout, stderr } = await ran(fake, CALL);
    t.equal(code, 5);
    t.match(stdout, why);
    t.match(stderr, /Nothing was changed/);
    t.same(fake.requests, []);
  }
  const fake = new FakeCluster();
  t.match(await ran(fake, ['switchover', 'redis', '--to', 'redis-0']), {
    code: 5,
    stdout: /× redis-0 is the master already/,
  });
  fake.reports = [report(0), report(1, { isMaster: true })];
  t.match(await ran(fake, CALL), { code: 5, stdout: /× split brain: redis-0 and redis-1 lead/ });
});

await t.test('refused by the master, exit 5; undone by it, exit 6', async (t) => {
  const refused = await ran(answering('refused', 'it was made for term 13'), CALL);
  t.equal(refused.code, 5);
  t.match(refused.stderr, 'refused by the master: it was made for term 13. Nothing was changed.');
  const undone = await ran(answering('undone', 'redis-1 did not open term 15'), CALL);
  t.equal(undone.code, 6);
  t.match(undone.stderr, 'undone: redis-1 did not open term 15\nredis-0 leads, term 14\n');
});

await t.test('no answer in time: withdrawn by its very text, exit 6, and who leads', async (t) => {
  const fake = new FakeCluster();
  const { code, stderr } = await ran(fake, CALL);
  t.equal(code, 6);
  t.equal(
    stderr,
    'no answer within 5s\nundone: the request is withdrawn\nredis-0 leads, term 14\n',
  );
  const last = fake.requests.at(-1)?.body;
  t.match(last, [{ op: 'test', path: /request$/, value: /"id":"id-1"/ }, { op: 'remove' }]);
});

await t.test('a master that refuses writes is what a switchover ends', async (t) => {
  const fake = answering('done', 'redis-1 leads, term 15');
  const master = report(0);
  const instance =
    master.instance === null ? null : ({ ...master.instance, unwritable: 'rdb' } as const);
  fake.reports = [{ ...master, instance }, ...fake.reports.slice(1)];
  const { code, stdout } = await ran(fake, CALL);
  t.match(stdout, /‼ redis-0 is master and refuses writes: another one may take them/);
  t.equal(code, 0);
});

await t.test('one that was begun is followed to its end, also after the time', async (t) => {
  const fake = answering('begun', 'handing over to redis-1');
  const onSleep = (count: number): void => {
    const request = { id: 'id-1', outcome: 'done', detail: 'redis-1 leads since term 15' } as const;
    // After fifteen seconds.
    if (count === 17) fake.reports = [report(0, { request }), ...fake.reports.slice(1)];
  };
  const { code, stderr } = await ran(fake, CALL, { onSleep });
  t.same([code, stderr], [0, 'begun: handing over to redis-1\n']);
});

await t.test('Ctrl-C withdraws it', async (t) => {
  const fake = new FakeCluster();
  const { code, stderr } = await ran(fake, CALL, { endAfter: 1 });
  t.same(
    [code, stderr.split('\n').slice(0, 2)],
    [6, ['interrupted', 'undone: the request is withdrawn']],
  );
});

await t.test('after Ctrl-C it goes on to ask now and then, and not without a pause', async (t) => {
  const fake = answering('begun', 'handing over to redis-1');
  let asked = 0;
  const { cluster } = fake;
  const connect = async () => ({
    ...cluster,
    ask: async <T>(question: Question): Promise<Answer<T>> => {
      if (question.path.endsWith('/proxy/state')) asked++;
      return await cluster.ask<T>(question);
    },
  });
  const { code, stderr } = await ran(fake, CALL, { endAfter: 1, connect });
  t.equal(code, 1, 'nobody said that it was undone');
  t.match(stderr, 'it was begun, and how it ended was not seen. Remedy: redis-orchestrator status');
  t.ok(asked < 60, `${asked} looks in half a minute`);
});

await t.test('a wait that Ctrl-C ends is the only one', async (t) => {
  const { clock, interruption } = world();
  const signal = interruption();
  const waited = async (ms: number): Promise<number> => {
    const start = performance.now();
    await clock.sleep(ms);
    return performance.now() - start;
  };
  setTimeout(() => process.emit('SIGINT'), 20);
  t.ok((await waited(10_000)) < 5000);
  t.equal(signal.aborted, true);
  t.ok((await waited(200)) >= 190, 'what comes after it takes its time');
});

await t.test('--dry-run writes nothing; without --yes it asks, or ends with 2', async (t) => {
  const fake = answering('done', 'redis-1 leads since term 15');
  t.equal((await ran(fake, ['switchover', 'redis', '--dry-run'])).code, 0);
  t.equal((await ran(fake, ['switchover', 'redis'])).code, 2, 'nobody to ask');
  t.match(await ran(fake, ['switchover', 'redis'], { answer: 'n' }), {
    code: 1,
    stderr: /Nothing was changed/,
  });
  t.ok(
    fake.requests.every(({ path }) => path.includes('dryRun=All')),
    'only tried',
  );
  t.equal((await ran(fake, ['switchover', 'redis'], { answer: 'y' })).code, 0);
});

await t.test('without the right to ask, the verb is named, exit 1', async (t) => {
  const fake = new FakeCluster();
  fake.denied.add('patch leases');
  const { code, stdout } = await ran(fake, CALL);
  t.equal(code, 1);
  t.match(stdout, '× you may not patch leases');
  t.match(await ran(fake, ['pause', 'redis', '--for', '1h']), {
    code: 1,
    stderr: /the pause could not be written: you may not patch leases/,
  });
  t.match(await ran(fake, ['resume', 'redis']), { code: 1, stderr: /you may not patch leases/ });
});

/** The agents of these pods take what is asked. */
function obedient(...pods: readonly string[]): FakeCluster {
  const fake = new FakeCluster();
  fake.onRequest = (kind, text) => {
    if (kind !== 'pause') return;
    const { by, reason, expires } = JSON.parse(text ?? '{}') as Record<string, string>;
    const paused =
      text === null ? null : { by: by ?? '', reason: reason ?? '', until: expires ?? '' };
    fake.reports = fake.reports.map((each) =>
      pods.includes(each.podName) ? { ...each, paused } : each,
    );
  };
  return fake;
}

await t.test('pause and resume: done when every agent knows it', async (t) => {
  const fake = obedient('redis-0', 'redis-1', 'redis-2');
  const paused = await ran(fake, ['pause', 'redis', '--for', '2h', '--reason', 'disks']);
  t.equal(paused.code, 0);
  t.equal(
    paused.stdout,
    `√ shop/redis: failover is paused until 2026-01-31T14:00:00.000Z (2h) by alice: disks
  3 of 3 agents know it: redis-0, redis-1, redis-2
`,
  );
  const resumed = await ran(fake, ['resume', 'redis']);
  t.equal(resumed.code, 0);
  t.match(resumed.stdout, /failover goes on; it was paused by alice/);
  t.match(await ran(fake, ['resume', 'redis']), { code: 0, stdout: /failover was not paused/ });
});

await t.test('an agent that does not agree is named, exit 1', async (t) => {
  const fake = obedient('redis-0', 'redis-1');
  const { code, stderr } = await ran(fake, ['pause', 'redis', '--for', '2h', '--wait', '3s']);
  t.equal(code, 1);
  t.match(stderr, 'written; but after 3s not every agent knows it:\n  redis-2: is not paused\n');
});

await t.test('a pause takes the place of another one, and says so', async (t) => {
  const fake = obedient('redis-0', 'redis-1', 'redis-2');
  const standing = (by: string, expires: string): void => {
    fake.pauseText = JSON.stringify({ by, reason: 'disks', expires });
  };
  const paused = async (forMs: string, ...more: readonly string[]) =>
    await ran(fake, ['pause', 'redis', '--for', forMs, ...more]);
  standing('alice', '2026-01-31T18:00:00.000Z');
  const own = await paused('1h');
  t.same([own.code, own.stderr], [0, 'replaces your own until 2026-01-31T18:00:00.000Z (disks)\n']);
  standing('bob', '2026-01-31T12:30:00Z');
  const sooner = await paused('1h');
  t.same(
    [sooner.code, sooner.stderr],
    [0, 'replaces the pause by bob until 2026-01-31T12:30:00Z (disks)\n'],
  );
  standing('bob', '2026-01-31T11:59:00Z');
  t.match(await paused('1h'), { code: 0, stderr: '' }, 'one that has ended is none');
  fake.pauseText = 'nonsense';
  t.match(await paused('1h'), { code: 0, stderr: '' });
});

await t.test("another's pause is not cut short unasked", async (t) => {
  const text = JSON.stringify({ by: 'bob', expires: '2026-01-31T18:00:00Z' });
  const fake = obedient('redis-0', 'redis-1', 'redis-2');
  fake.pauseText = text;
  const args = ['pause', 'redis', '--for', '1h'];
  const refused = await ran(fake, args);
  t.match(refused, {
    code: 5,
    stdout: '',
    stderr:
      /^refused: the pause by bob until 2026-01-31T18:00:00Z would end sooner than that\. Nothing/,
  });
  t.match(await ran(fake, args, { answer: 'n' }), { code: 1, stderr: 'Nothing was changed.\n' });
  t.same([fake.requests, fake.pauseText], [[], text], 'nothing was written');
  t.equal((await ran(fake, args, { answer: 'y' })).code, 0);
  fake.pauseText = text;
  t.match(await ran(fake, [...args, '--yes']), { code: 0, stderr: /^the pause by bob / });
  // Where the Lease may not be read, the agents tell.
  const paused = { by: 'bob', reason: '', until: '2026-01-31T18:00:00Z' };
  fake.denied.add('get leases');
  fake.reports = fake.reports.map((each) => ({ ...each, paused }));
  t.equal((await ran(fake, args)).code, 5);
});

await t.test('wrong command lines end with 2', async (t) => {
  for (const args of [
    ['pause', 'redis'],
    ['pause', 'redis', '--for', 'long'],
    ['pause', 'redis', '--for', '1h', '--reason', 'x'.repeat(254)],
    ['pause', '--for', '1h'],
    ['switchover'],
    ['switchover', 'redis', 'redis-1'],
    ['status', 'a', 'b'],
    ['status', '-o', 'xml'],
    ['status', '--timeout', '1ms'],
    ['status', '-f', 'redis.yaml'],
    ['history'],
    ['history', 'redis', '--limit', '0'],
    ['events'],
    ['resume'],
    ['explain'],
    ['explain', 'a', 'b'],
    ['check', 'redis'],
    ['completion'],
    ['completion', 'tcsh'],
  ]) {
    const { code, stdout, stderr } = await ran(new FakeCluster(), args);
    t.same([code, stdout], [2, ''], args.join(' '));
    t.match(stderr, /Remedy: /, args.join(' '));
  }
});
