// Everything that can grow has a limit: what a thousand pods, peers and terms leave behind in the state, in
// the record and in a report.

import net from 'node:net';
import { test } from 'tap';
import { Agent, type Dispatcher, request } from 'undici';
import type { AgentEvent, AgentState, Effect, PodView } from '../../agent/core/model.ts';
import { jitterOf } from '../../agent/core/jitter.ts';
import { renewedRecord } from '../../agent/core/record.ts';
import { reportOf } from '../../agent/core/report.ts';
import { step } from '../../agent/core/step.ts';
import { Turn } from '../../agent/core/turn.ts';
import { EMPTY_RECORD, PEERS_MAX } from '../../agent/core/view.ts';
import { linesOf } from '../../src/lines.ts';
import type { AgentReport } from '../../src/wire.ts';
import { groupFactsOf } from '../../agent/core/group-facts.ts';
import { HttpServer, type HttpSource } from '../../agent/http/server.ts';
import { groupView } from '../../src/group-view.ts';
import { freePorts } from '../harness/free-ports.ts';
import { waitFor } from '../harness/wait-for.ts';
import { config, pod } from './core-fixtures.ts';
import { hearing, inSync, leader } from './route-fixtures.ts';

const MANY = 1000;
/** A Lease with its annotations may have 256 KiB; it is written every second. */
const RECORD_MAX_BYTES = 64 * 1024;

const context = {
  namespace: 'shop',
  group: 'redis',
  podIP: '10.0.0.0',
  version: '0',
  clockMs: 0,
  epochOffsetMs: 0,
  lastDecision: null,
  route: [],
  apiRequests: 0,
};

/** The report of redis-`n`, a replica in sync with redis-0. */
function report(n: number): AgentReport {
  const heard = hearing(leader(), n, inSync).peers.get(`u${n}`);
  if (heard === undefined) throw new Error('nothing was heard');
  const instance = reportOf(leader(), context).instance;
  const replica = instance === null ? null : { ...instance, runId: `run${n}`, role: 'replica' };
  const claim = `pvc/data-redis-${n}`;
  return { ...heard.report, volume: claim, instance: replica } as AgentReport;
}

/** A leader that answers its own Lease writes. */
class Leader {
  state: AgentState;
  writes: Extract<Effect, { kind: 'write-lease' }>[] = [];
  #version = 1;
  now = 100_000;

  constructor(pods: readonly PodView[]) {
    this.state = { ...leader(0, pods), opened: { term: 1, runId: 'run0', replid: 'aaa' } };
  }

  feed(event: AgentEvent): void {
    const { state, effects } = step(this.state, event, this.now);
    this.state = state;
    for (const effect of effects) {
      if (effect.kind !== 'write-lease') continue;
      this.writes.push(effect);
      const resourceVersion = String(++this.#version);
      const lease = { ...effect.write, resourceVersion, renewTime: resourceVersion, force: null };
      this.feed({ kind: 'lease-written', id: effect.id, outcome: 'ok', lease });
    }
  }

  /** Seconds go by in which all members of this list report. */
  run(seconds: number, members: readonly AgentReport[]): void {
    for (let tick = 0; tick < seconds * 5; tick++) {
      this.now += 200;
      const { redis } = this.state;
      if (redis?.reachable === true) this.feed({ kind: 'redis', redis });
      for (const each of members) {
        this.feed({ kind: 'peer', report: each, startedEpochMs: 0 });
      }
      this.feed({ kind: 'tick' });
    }
  }

  get record() {
    return this.writes.at(-1)?.write.record;
  }
}

void test('a thousand peers: one hundred are known, and the record stays small', async (t) => {
  const members = Array.from({ length: MANY }, (_, n) => report(n + 1));
  const pods = Array.from({ length: MANY + 1 }, (_, n) => pod(n));
  const leading = new Leader(pods);
  leading.feed({ kind: 'pods', pods });
  leading.run(1, members);
  const { state, record } = leading;
  t.equal(state.phase, 'Leading');
  t.equal(state.peers.size, PEERS_MAX);
  t.equal(Object.keys(record?.datasets ?? {}).length, PEERS_MAX + 1, 'all that are heard');
  t.equal(record?.candidates.length, PEERS_MAX + 1);
  const bytes = JSON.stringify(record).length;
  t.comment(`the record has ${bytes} bytes`);
  t.ok(bytes < RECORD_MAX_BYTES, 'the record');
  const reportBytes = JSON.stringify(reportOf(state, context)).length;
  t.comment(`the report has ${reportBytes} bytes`);
  t.ok(reportBytes < 32 * 1024, 'the report');
});

void test('sixty members: each is recorded, so that it may attach, and the holder is calm', async (t) => {
  const members = Array.from({ length: 60 }, (_, n) => report(n + 1));
  const pods = Array.from({ length: 61 }, (_, n) => pod(n));
  const leading = new Leader(pods);
  leading.feed({ kind: 'pods', pods });
  leading.run(2, members);
  t.equal(Object.keys(leading.record?.datasets ?? {}).length, 61);
  leading.writes = [];
  leading.run(10, members);
  t.ok(leading.writes.length <= 11, `${leading.writes.length} writes in ten seconds`);
});

void test('a thousand pods that came and went leave fifty datasets and nothing else', async (t) => {
  const leading = new Leader([pod(0)]);
  for (let n = 1; n <= MANY; n++) {
    const pods = [pod(0), pod(n)];
    leading.feed({ kind: 'pods', pods });
    leading.feed({ kind: 'unmanaged', uid: `u${n}`, probe: { reachable: false } });
    leading.feed({ kind: 'volume-gone', volume: `pvc/${n}` });
    const uid = `u${n}`;
    leading.feed({ kind: 'remote-fenced', uid, isConfirmed: true, instance: null });
    leading.run(1, [report(n)]);
  }
  const { state, record } = leading;
  t.ok(state.peers.size <= 1, `${state.peers.size} peers`);
  t.ok(state.unmanaged.size <= 1, `${state.unmanaged.size} looks at pods without an agent`);
  t.ok(state.fenced.size <= 2, `${state.fenced.size} fences`);
  t.ok(state.goneVolumes.size <= 100, `${state.goneVolumes.size} volumes that are gone`);
  t.ok(state.attempted.size <= 3, `${state.attempted.size} attempted candidates`);
  t.equal(Object.keys(record?.datasets ?? {}).length, 50);
  t.ok((record?.candidates.length ?? 0) <= 3, 'candidates');
  const bytes = JSON.stringify(record).length;
  t.comment(`the record has ${bytes} bytes`);
  t.ok(bytes < RECORD_MAX_BYTES, 'the record');
});

void test('a thousand terms leave twenty of the history and thirty of the lineage', async (t) => {
  const LONG = 'x'.repeat(10_000);
  const start = leader();
  let record = EMPTY_RECORD;
  for (let term = 1; term <= MANY; term++) {
    const { redis, lease, config } = start;
    if (redis?.reachable !== true || lease.kind !== 'present') throw new Error('no leader');
    const replid = `id-${term}`;
    const instance = { ...redis.instance, replid, replid2: `id-${term - 1}` };
    const state: AgentState = {
      ...start,
      opened: { term, runId: 'run0', replid },
      redis: { ...redis, instance },
      lease: { ...lease, lease: { ...lease.lease, term, record } },
    };
    const turn = new Turn(state);
    turn.writeLease('acquire', term, config.self, renewedRecord(state), LONG);
    record = turn.s.pendingWrite?.write.record ?? EMPTY_RECORD;
  }
  t.equal(record.history.length, 20);
  t.equal(record.history.at(-1)?.term, MANY);
  t.equal(record.lineage.length, 30);
  t.equal(record.lineage.at(-1)?.replid, `id-${MANY}`);
  const bytes = JSON.stringify(record).length;
  t.comment(`the record has ${bytes} bytes`);
  t.ok(bytes < 16 * 1024, 'a reason of any length is cut');
});

void test('what agents do again after a failure, they do at different moments', async (t) => {
  const first = Array.from({ length: MANY }, (_, n) => jitterOf(`agent-${n}`, 1));
  const mean = first.reduce((sum, value) => sum + value, 0) / MANY;
  t.ok(
    first.every((value) => value >= 0 && value < 1),
    'a share of one',
  );
  t.ok(new Set(first).size > MANY - 5, 'agents differ');
  t.ok(Math.abs(mean - 0.5) < 0.05, `evenly: ${mean}`);
  t.not(jitterOf('agent-1', 1), jitterOf('agent-1', 2), 'tries differ');
  t.equal(jitterOf('agent-1', 1), jitterOf('agent-1', 1), 'and nothing is random');
});

void test('an agent that was refused writes its Lease again after a pause of its own', async (t) => {
  const pauses = ['one', 'two', 'three', 'four'].map((agentId) => {
    const self = { ...config.self, agentId };
    const leading = leader();
    let state: AgentState = {
      ...leading,
      config: { ...config, self },
      lease:
        leading.lease.kind === 'present'
          ? { ...leading.lease, lease: { ...leading.lease.lease, holder: self } }
          : leading.lease,
      opened: { term: 1, runId: 'run0', replid: 'aaa' },
      validUntil: Number.POSITIVE_INFINITY,
      writeFailures: 5,
      writeFailedAt: 100_000,
    };
    for (let now = 100_001; now < 110_000; now++) {
      const next = step(state, { kind: 'tick' }, now);
      if (next.effects.some(({ kind }) => kind === 'write-lease')) return now - 100_000;
      state = next.state;
    }
    return Number.NaN;
  });
  t.equal(new Set(pauses).size, 4, pauses.join(', '));
  t.ok(
    pauses.every((ms) => ms >= 800 && ms <= 1600),
    'between a half of it and the whole',
  );
});

function sourceOf(state: AgentState): HttpSource {
  const report = (): AgentReport => reportOf(state, context);
  return {
    report,
    view: () =>
      groupView(
        groupFactsOf(state, { own: report(), nodeOf: () => null, at: '', profile: 'balanced' }),
      ),
    unhealthiness: () => null,
    unreadiness: () => null,
    prestop: () => Promise.resolve(''),
    metrics: () => Promise.resolve({ type: '', text: '' }),
  };
}

void test('what is sent to each peer does not tell of all others', async (t) => {
  const [port = 0] = await freePorts(1);
  const state = hearing(hearing(leader(), 1, inSync), 2, inSync);
  const server = new HttpServer(sourceOf(state));
  await server.listen('127.0.0.1', port);
  const agent = new Agent();
  t.teardown(async () => {
    await Promise.allSettled([agent.destroy(), server.close()]);
  });
  const read = async (query: string): Promise<AgentReport[]> => {
    const url = `http://127.0.0.1:${port}/state?${query}`;
    const { body } = await request(url, { dispatcher: agent });
    const lines = linesOf(body);
    const first = await lines.next();
    server.publish(reportOf(state, context));
    const second = await lines.next();
    body.on('error', () => undefined).destroy();
    return [first, second].map(({ value }) => JSON.parse(String(value)) as AgentReport);
  };
  for (const report of await read('watch=true')) t.equal(report.peers.length, 2);
  for (const report of await read('watch=true&peers=false')) {
    t.equal(report.peers.length, 0);
    t.equal(report.podUID, 'u0');
  }
});

void test('more streams than agents and people need are refused', async (t) => {
  const [port = 0] = await freePorts(1);
  const server = new HttpServer(sourceOf(leader()));
  await server.listen('127.0.0.1', port);
  const agent = new Agent();
  t.teardown(async () => {
    await Promise.allSettled([agent.destroy(), server.close()]);
  });
  const STREAMS_MAX = 128;
  const ask = (): Promise<Dispatcher.ResponseData> =>
    request(`http://127.0.0.1:${port}/state?watch=true`, { dispatcher: agent });
  const streams = await Promise.all(Array.from({ length: STREAMS_MAX }, ask));
  t.ok(
    streams.every(({ statusCode }) => statusCode === 200),
    `${STREAMS_MAX} streams`,
  );
  const refused = await ask();
  t.equal(refused.statusCode, 503);
  t.match(await refused.body.text(), 'more than 128 streams');
  for (const { body } of streams) body.on('error', () => undefined).destroy();
});

void test('silent connections, pipelined streams and a flood of /prestop', async (t) => {
  const [port = 0] = await freePorts(1);
  let asked = 0;
  const prestop = (): Promise<string> => Promise.resolve(`asked ${++asked} times`);
  const server = new HttpServer({ ...sourceOf(leader()), prestop });
  await server.listen('127.0.0.1', port);
  const agent = new Agent();
  const mute = Array.from({ length: 600 }, () => net.connect(port, '127.0.0.1'));
  for (const socket of mute) socket.on('error', () => undefined);
  t.teardown(async () => {
    for (const socket of mute) socket.destroy();
    await Promise.allSettled([agent.destroy(), server.close()]);
  });
  const url = `http://127.0.0.1:${port}`;
  await waitFor(
    'it answers again once the silent ones were closed',
    async () => {
      const { statusCode, body } = await request(`${url}/live`, { dispatcher: agent });
      await body.dump();
      return statusCode === 200;
    },
    { timeoutMs: 15_000 },
  );
  const one = net.connect(port, '127.0.0.1');
  let said = '';
  one.on('data', (bytes: Buffer) => (said += bytes.toString()));
  one.write('GET /state?watch=true HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(20));
  await waitFor('the first of them streams', () => said.includes('application/x-ndjson'), {
    timeoutMs: 5000,
  });
  const streams = Array.from({ length: 100 }, async () => {
    const { statusCode, body } = await request(`${url}/state?watch=true`, { dispatcher: agent });
    body.on('error', () => undefined).destroy();
    return statusCode;
  });
  t.same(new Set(await Promise.all(streams)), new Set([200]), 'one connection takes one of them');
  one.destroy();
  const begun = performance.now();
  const flood = Array.from({ length: 200 }, async () => {
    const { body } = await request(`${url}/prestop`, { dispatcher: agent });
    return await body.text();
  });
  await Promise.all(flood);
  const gaps = Math.ceil((performance.now() - begun) / 200);
  t.ok(asked <= gaps + 2, `${asked} times in ${gaps} gaps`);
  const before = asked;
  const { body } = await request(`${url}/prestop`, { dispatcher: agent });
  t.match(await body.json(), { outcome: `asked ${before + 1} times` }, 'never from before it');
});
