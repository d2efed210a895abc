// The metrics of an agent: what each step of the core adds, what a scrape shows, and that every series is
// there from the start.

import t from 'tap';
import { systemClock } from '../../agent/clock.ts';
import type { AgentState } from '../../agent/core/model.ts';
import { countsOf, type Observed } from '../../agent/metrics/counts.ts';
import { electionTimes } from '../../agent/core/election-time.ts';
import { type GaugeContext, gaugesOf } from '../../agent/metrics/gauges.ts';
import { Metrics } from '../../agent/metrics/registry.ts';
import {
  combinations,
  COUNTERS,
  fullName,
  GAUGES,
  HISTOGRAMS,
  type Metric,
} from '../../agent/metrics/table.ts';
import { limbo, pod } from './core-fixtures.ts';
import { lease, limboOf, master, Rig, synced, viewOf } from './core-rig.ts';

const context: Omit<GaugeContext, 'view'> = {
  now: 5000,
  isApiReachable: true,
  inSyncAt: 1000,
  promotedAtEpochSeconds: 0,
};

const shown = (state: AgentState, changes: Partial<GaugeContext> = {}) =>
  new Map(
    gaugesOf(state, { ...context, view: viewOf(state), ...changes }).map(
      ({ name, value, labels = {} }) => [[name, ...Object.values(labels)].join(' '), value],
    ),
  );

const step = (before: AgentState, changes: Partial<Observed> = {}): Observed => ({
  before,
  event: { kind: 'tick' },
  after: before,
  effects: [],
  notices: [],
  ...changes,
});

const counted = (observed: Observed) =>
  countsOf(observed).map(({ name, by, labels = {} }) => [name, by, ...Object.values(labels)]);

await t.test('gauges of an open master with a replica in sync', (t) => {
  const rig = Rig.leading({}, [pod(0, { role: 'master' }), pod(1, { role: 'replica' })]);
  synced(rig);
  // A hand-over needs a recorded candidate.
  const write = rig.effects.findLast((each) => each.kind === 'write-lease');
  if (write !== undefined) rig.written('ok');
  const values = shown(rig.state);
  const expected = {
    'role master': 1,
    'role limbo': 0,
    redis_up: 1,
    redis_writable: 1,
    masters_seen: 1,
    master_labels: 1,
    lease_holder: 1,
    members_expected: 2,
    peers_expected: 1,
    peers_reachable: 1,
    replication_lag_seconds: 0,
    replication_link_up: 1,
    failover_eligible: 1,
    eligible_candidates: 1,
    fence_active: 0,
    paused: 0,
    api_server_reachable: 1,
  };
  for (const [name, value] of Object.entries(expected)) t.equal(values.get(name), value, name);
  rig.peer(1, { role: 'master' });
  t.equal(shown(rig.state).get('masters_seen'), 2, 'another master beside it');
  const guarded = { ...rig.state, isGuarded: true };
  t.equal(shown(guarded).get('masters_seen'), 1, 'one that takes no writes is none');
  const pause = { by: 'alice', reason: 'a drill', until: rig.now + 1000 };
  t.equal(shown({ ...rig.state, pause }).get('paused'), 1);
  t.equal(shown(rig.state, { isApiReachable: false }).get('api_server_reachable'), 0);
  t.end();
});

await t.test(
  'who could not take over is no candidate: it ends, is full, or is not recorded',
  (t) => {
    const rig = Rig.leading();
    const count = (): number | undefined => shown(rig.state).get('eligible_candidates');
    synced(rig);
    const write = rig.effects.findLast((each) => each.kind === 'write-lease');
    if (write !== undefined) rig.written('ok');
    t.equal(count(), 1);
    synced(rig, { leaving: true });
    t.equal(count(), 0);
    const instance = limboOf(1, { replid: 'bbb', linkUp: true, upstream: '10.0.0.0:6379' });
    synced(rig, { instance: { ...instance, unwritable: 'rdb' } });
    t.equal(count(), 0);
    synced(rig, { instance: { ...instance, runId: 'another process' } });
    t.equal(count(), 0);
    t.match(viewOf(rig.state).members[1], { problem: 'it is not recorded as a candidate yet' });
    t.end();
  },
);

await t.test('gauges of a Redis in limbo, of one that refuses writes, and of none', (t) => {
  const { state } = Rig.leading();
  const seen = (instance: typeof master) => ({ reachable: true, instance, seenAt: 0 }) as const;
  const fenced = shown({ ...state, phase: 'Fenced', redis: seen(limbo) });
  t.equal(fenced.get('role limbo'), 1);
  t.equal(fenced.get('fence_active'), 1);
  t.equal(fenced.get('redis_writable'), 0);
  t.equal(fenced.get('replication_lag_seconds'), 4, 'since it was in sync last');
  const full = shown({ ...state, redis: seen({ ...master, unwritable: 'rdb' }) });
  t.equal(full.get('role master'), 1);
  t.equal(full.get('redis_writable'), 0, 'MISCONF');
  const gone = {
    reachable: false,
    refused: true,
    locked: false,
    since: 0,
    detail: '',
    last: null,
  } as const;
  const none = shown({ ...state, redis: gone });
  t.equal(none.get('redis_up'), 0);
  t.equal(none.get('role unknown'), 1);
  t.end();
});

await t.test('counters: Lease writes, fences, stalls, full syncs, cut clients', (t) => {
  const { state } = Rig.leading();
  const write = {
    op: 'renew',
    resourceVersion: '1',
    holder: null,
    term: 1,
    record: lease().record,
    reason: '',
  } as const;
  const writing = { ...state, pendingWrite: { id: 7, sentAt: 0, write } };
  const written = { kind: 'lease-written', id: 7, outcome: 'conflict', lease: null } as const;
  t.same(counted(step(writing, { event: written })), [
    ['lease_requests_total', 1, 'renew', 'conflict'],
  ]);
  t.same(counted(step(state, { event: written })), [], 'an answer that nobody waits for');
  const pendingRedis = { id: 8, kind: 'limbo', sentAt: 0, isolated: false } as const;
  const done = { kind: 'redis-done', id: 8, result: { ok: true, instance: limbo } } as const;
  t.same(counted(step({ ...state, pendingRedis }, { event: done })), [
    ['fences_total', 1, 'local', 'ok'],
  ]);
  const remote = { kind: 'remote-fenced', uid: 'u1', isConfirmed: false, instance: null } as const;
  t.same(counted(step(state, { event: remote })), [['fences_total', 1, 'remote', 'failed']]);
  t.same(counted(step(state, { event: { kind: 'stalled', unwatchedMs: 400 } })), [
    ['stalls_total', 1],
  ]);
  const redis = (syncing: boolean) =>
    ({ reachable: true, instance: { ...limbo, syncing }, seenAt: 0 }) as const;
  const event = { kind: 'redis', redis: redis(true) } as const;
  const began = { event, after: { ...state, redis: redis(true) } };
  t.same(counted(step({ ...state, redis: redis(false) }, began)), [['full_syncs_total', 1]]);
  const following = (upstream: string, changes = {}): AgentState => {
    const instance = { ...limbo, upstream: { host: upstream, port: 6379 } };
    return {
      ...state,
      phase: 'Following',
      redis: { reachable: true, instance, seenAt: 0 },
      ...changes,
    };
  };
  const led = (before: AgentState, upstream: string) =>
    counted(step(before, { event, after: following(upstream) }));
  t.same(led(following('10.0.0.1'), '10.0.0.2'), [['repairs_total', 1, 'replicaof']]);
  t.same(led(following('10.0.0.1'), '10.0.0.1'), [], 'as it was told to');
  t.same(led(following('10.0.0.1'), '127.0.0.1').length, 1);
  const ours = { id: 9, kind: 'attach', sentAt: 0, isolated: false } as const;
  t.same(led(following('10.0.0.1', { pendingRedis: ours }), '10.0.0.2'), [], 'its own command');
  const cut = { kind: 'limbo', id: 1, cutClients: true } as const;
  t.same(counted(step(state, { effects: [cut] })), [['client_kills_total', 1]]);
  t.end();
});

await t.test('counters: elections by kind and outcome, lost bytes, repairs', (t) => {
  const { state } = Rig.leading();
  const as = (phase: AgentState['phase'], record = {}) => ({
    ...state,
    phase,
    lease: { kind: 'present', lease: lease({ term: 2, record }), unchangedSince: 0 } as const,
  });
  const move = (from: AgentState['phase'], to: AgentState['phase'], record = {}) =>
    counted(step(as(from, record), { after: as(to, record) }));
  const cold = { lineage: [{ replid: 'aaa', term: 0, start: 0 }] };
  t.same(move('Promoting', 'Leading'), [['elections_total', 1, 'unplanned', 'won']]);
  t.same(move('Promoting', 'Leading', { goal: 100 }), [['elections_total', 1, 'planned', 'won']]);
  t.same(move('Promoting', 'Leading', cold), [['elections_total', 1, 'cold', 'won']]);
  t.same(move('Acquiring', 'Fenced'), [['elections_total', 1, 'unplanned', 'lost']]);
  t.same(move('Deciding', 'Fencing'), [['elections_total', 1, 'unplanned', 'aborted']]);
  t.same(move('Acquiring', 'Deciding'), []);
  const opened = { lineage: [{ replid: 'aaa', term: 2, start: 0 }] };
  t.same(move('Promoting', 'Leading', opened), [], 'an agent that was replaced: no election');
  const lost = { ...as('Fenced'), lost: { term: 2, bytes: 10 } };
  t.same(counted(step(as('Fenced'), { after: lost })), [['lost_bytes_total', 10]]);
  t.same(counted(step(lost, { after: { ...lost, now: 1 } })), [], 'once');
  t.same(counted(step(as('Fenced'), { after: { ...lost, lost: { term: 2, bytes: 0 } } })), []);
  const told = (['LabelRepaired', 'RoleRepaired', 'SplitBrainDetected', 'Fenced'] as const).map(
    (reason) => ({ reason, note: '' }),
  );
  t.same(counted(step(state, { notices: told })), [
    ['repairs_total', 1, 'label'],
    ['repairs_total', 1, 'role'],
    ['split_brains_total', 1],
  ]);
  t.end();
});

await t.test('every series of the table is there at the first scrape', async (t) => {
  const metrics = new Metrics('redis', systemClock, () => true);
  const { state } = Rig.leading();
  const text = await metrics.text(state, viewOf(state));
  t.match(
    text,
    /^redis_orchestrator_build_info\{version="[^"]+",commit="[^"]+",group="redis"\} 1$/m,
  );
  const all: readonly (readonly [string, Metric, string])[] = [
    ...Object.entries<Metric>(GAUGES).map(([name, metric]) => [name, metric, ''] as const),
    ...Object.entries<Metric>(COUNTERS).map(([name, metric]) => [name, metric, ''] as const),
    ...Object.entries<Metric>(HISTOGRAMS).map(
      ([name, metric]) => [name, metric, '_count'] as const,
    ),
  ];
  for (const [name, metric, suffix] of all) {
    t.match(text, `# HELP ${fullName(name)} ${metric.help}`);
    for (const labels of combinations(metric)) {
      const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      const series = [...pairs, 'group="redis"'];
      const line = new RegExp(`^${fullName(name)}${suffix}\\{${series.join(',')}\\} [\\d.]+$`, 'm');
      t.match(text, line);
    }
  }
});

await t.test('an election is timed from its first step to the first write', async (t) => {
  const metrics = new Metrics('redis', systemClock, () => true);
  const { state } = Rig.leading();
  const present = { kind: 'present', lease: lease({ term: 2 }), unchangedSince: 0 } as const;
  const at = (phase: AgentState['phase'], now: number) => ({
    ...state,
    lease: present,
    phase,
    now,
  });
  const path = [
    at('Following', 0),
    at('Deciding', 1000),
    at('Promoting', 1020),
    at('Leading', 1040),
  ];
  let before = state;
  for (const next of path) {
    const { electionAt, goalAt, promotion } = before;
    const after = { ...next, electionAt, goalAt, promotion };
    const timed = { ...after, ...electionTimes(before, after) };
    metrics.observe(step(before, { after: timed }));
    before = timed;
  }
  metrics.observeLag(3);
  const text = await metrics.text(state, viewOf(state));
  t.match(text, /event_loop_lag_seconds_sum\{group="redis"\} 0\.003$/m);
  t.match(text, /failover_duration_seconds_sum\{group="redis"\} 0\.04$/m);
  t.match(text, /write_pause_seconds_count\{group="redis"\} 0$/m);
  t.match(text, /last_promotion_timestamp_seconds\{group="redis"\} 1\d{9}/);
});
