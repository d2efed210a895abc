// Questions that several rows ask of the state: members, their eligibility, and data that are elsewhere.

import t from 'tap';
import type { Member } from '../../agent/core/election.ts';
import type { AgentState, CoreConfig, DatasetEntry, GroupRecord } from '../../agent/core/model.ts';
import {
  awaitedVolume,
  expectedPods,
  isForeign,
  isLimbo,
  isManaged,
  LIMBO,
  livePeers,
  peerMember,
  priorityOf,
  rank,
  selfMember,
  unknownData,
} from '../../agent/core/view.ts';
import { limbo, pod } from './core-fixtures.ts';
import { lease, limboOf, Rig } from './core-rig.ts';

const lineage = [
  { replid: 'aaa', term: 1, start: 0 },
  { replid: 'bbb', term: 2, start: 100 },
];
const entry = (replid: string, offset: number, changes: Partial<DatasetEntry> = {}) => ({
  volume: 'other',
  replid,
  offset,
  keys: 5,
  ...changes,
});

function knowing(record: Partial<GroupRecord>, pods = [pod(0), pod(1)]): AgentState {
  return Rig.fenced(lease({ holder: null, record: { lineage, ...record } }), pods).state;
}

const member = (n: number, changes: Partial<Member> = {}): Member => ({
  ...limbo,
  pod: `redis-${n}`,
  uid: `u${n}`,
  volume: `u${n}`,
  replid: 'bbb',
  leaving: false,
  protocol: 1,
  ...changes,
});

const ranked = (
  state: AgentState,
  members: readonly Member[],
  changes: Partial<CoreConfig> = {},
): string[] =>
  rank({ ...state, config: { ...state.config, ...changes } }, members).map(({ pod: name }) => name);

await t.test('--max-failover-lag: from the furthest offset under the newest recorded id', (t) => {
  const datasets = {
    'redis-7': entry('aaa', 9000),
    'redis-8': entry('bbb', 1000),
    'redis-9': entry('bbb', 400),
  };
  const mayLead = (record: Partial<GroupRecord>, offset: number): boolean =>
    ranked(knowing(record), [member(0, { offset })], { maxFailoverLagBytes: 50 }).length > 0;
  t.equal(mayLead({ datasets }, 950), true);
  t.equal(mayLead({ datasets }, 949), false);
  const newer = [...lineage, { replid: 'ccc', term: 3, start: 5 }];
  t.equal(mayLead({ datasets, lineage: newer }, 949), false, 'an id of which nothing is recorded');
  t.equal(mayLead({ datasets, lineage: newer }, 950), true);
  t.equal(mayLead({ datasets: {} }, 5), true, 'nothing is recorded: nothing is measured');
  t.end();
});

const empty = member(0, { keys: 0, replid: 'new', offset: 0 });

await t.test('rule 14: an emptyDir may hold data as long as its pod is there', (t) => {
  const datasets = { 'redis-1': entry('bbb', 500, { volume: 'u1' }) };
  const mayLead = (pods: ReturnType<typeof pod>[], others: Member[] = []): boolean =>
    ranked(knowing({ datasets }, pods), [empty, ...others]).includes('redis-0');
  t.equal(mayLead([pod(0), pod(1)]), false, 'its Redis does not answer');
  t.equal(mayLead([pod(0)]), true, 'it died with its pod');
  t.equal(mayLead([pod(0), pod(1, { terminal: true })]), true);
  t.equal(mayLead([pod(0), pod(1)], [member(1, { keys: 0, replid: 'new' })]), true, 'it is empty');
  const loading = member(1, { keys: 0, replid: 'new', loading: true });
  t.equal(mayLead([pod(0), pod(1)], [loading]), false, 'what loads shows no keys yet');
  const nothing = { 'redis-1': entry('bbb', 500, { volume: 'u1', keys: 0 }) };
  t.same(ranked(knowing({ datasets: nothing }), [empty]), ['redis-0'], 'it held none');
  t.end();
});

await t.test('data are unknown that have keys, no descent, and nobody let go', (t) => {
  const state = knowing({ datasets: {} }, [pod(0), pod(1), pod(2, { discardData: 'zzz' })]);
  const stranger = member(1, { replid: 'zzz' });
  const all = [member(0), empty, stranger, member(2, { replid: 'zzz' })];
  t.same(unknownData(state, all), [stranger]);
  t.same(unknownData({ ...state, pods: null }, [stranger]), [stranger]);
  const claims = { 'redis-9': entry('bbb', 900, { volume: 'pvc/data-redis-9' }) };
  t.equal(awaitedVolume(knowing({ datasets: claims }), member(0)), 'redis-9');
  t.equal(awaitedVolume(knowing({ datasets: claims }), stranger), null, 'fresher than unknown');
  t.end();
});

await t.test('limbo is one address and one port, of a replica', (t) => {
  t.equal(isLimbo(limbo), true);
  t.equal(isLimbo({ ...limbo, upstream: { ...LIMBO, port: 6379 } }), false);
  t.equal(isLimbo({ ...limbo, upstream: { ...LIMBO, host: '10.0.0.1' } }), false);
  t.equal(isLimbo({ ...limbo, role: 'master' }), false);
  t.end();
});

await t.test('a first sync counts against its member, but not in limbo', (t) => {
  const rig = Rig.fenced(lease());
  rig.see({ ...limbo, syncing: true });
  t.equal(selfMember(rig.state)?.syncing, false);
  rig.see({ ...limbo, syncing: true, upstream: { host: '10.0.0.1', port: 6379 } });
  t.equal(selfMember(rig.state)?.syncing, true);
  const peer = (role: 'limbo' | 'replica', syncing: boolean): boolean | undefined => {
    rig.peer(1, { role, instance: limboOf(1, { syncing }) });
    const heard = rig.state.peers.get('u1');
    return heard === undefined ? undefined : peerMember(heard)?.syncing;
  };
  t.equal(peer('replica', true), true);
  t.equal(peer('replica', false), false);
  t.equal(peer('limbo', true), false);
  t.end();
});

await t.test('a pod is of the group by its container, by its voice, or as our own', (t) => {
  const rig = Rig.fenced(lease());
  const is = (n: number, managed: boolean): boolean => isManaged(rig.state, pod(n, { managed }));
  t.same([is(0, false), is(1, true), is(1, false)], [true, true, false]);
  rig.peer(1, {});
  t.equal(is(1, false), true);
  t.end();
});

await t.test('pods that run, with an agent and an address, are expected to speak', (t) => {
  const pods = [
    pod(0),
    pod(1, { ip: null }),
    pod(2, { leaving: true }),
    pod(3, { terminal: true }),
    pod(4, { managed: false }),
    pod(5),
  ];
  const names = expectedPods(Rig.fenced(lease(), pods).state).map(({ name }) => name);
  t.same(names, ['redis-0', 'redis-5']);
  t.end();
});

await t.test('a peer lives for 1.5 s after it was heard', (t) => {
  const rig = Rig.fenced(lease());
  rig.now = 100;
  rig.peer(1, {});
  t.equal(livePeers({ ...rig.state, now: 1600 }).length, 1);
  t.equal(livePeers({ ...rig.state, now: 1601 }).length, 0);
  t.end();
});

await t.test('a Redis that refused comes last for 2, 4, 8 seconds, and a minute at most', (t) => {
  const { state } = Rig.fenced(lease());
  const lastMs = (promoteFailures: number): number => {
    const at = 10_000;
    let ms = 0;
    const priority = (): number =>
      priorityOf({ ...state, promoteFailures, promoteFailedAt: at, now: at + ms }, limbo);
    while (priority() === 0 && ms < 100_000) ms += 500;
    return ms;
  };
  t.same([0, 1, 2, 3, 50].map(lastMs), [0, 2000, 4000, 8000, 60_000]);
  t.end();
});

await t.test('a Redis that nobody reaches is no choice while the pods are not known', (t) => {
  const hidden = { ...limbo, obstacle: { kind: 'hidden', problem: 'RO_HIDDEN' } as const };
  const { state } = Rig.fenced(lease(), [pod(0), pod(1, { terminal: true })]);
  t.equal(priorityOf(state, hidden), limbo.priority, 'nobody else is there');
  t.equal(priorityOf({ ...state, pods: null }, hidden), 0);
  t.end();
});

await t.test('a Lease that is not there is held by nobody else', (t) => {
  const rig = Rig.fenced(null);
  t.equal(isForeign(rig.state), false);
  t.end();
});
