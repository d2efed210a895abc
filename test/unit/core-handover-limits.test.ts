// A planned change at its edges: who is no target, what is refused, and the stop of a Redis below 7.0.

import t from 'tap';
import type { AgentState, GroupRecord, Instance } from '../../agent/core/model.ts';
import { finalOffset } from '../../agent/core/handover.ts';
import { Turn } from '../../agent/core/turn.ts';
import { leaseOf } from '../../agent/core/view.ts';
import type { AgentReport } from '../../src/wire.ts';
import { limbo, pod } from './core-fixtures.ts';
import {
  candidate,
  kinds,
  lease,
  limboOf,
  master,
  named,
  Rig,
  SELF,
  synced,
  writes,
} from './core-rig.ts';

const linked = { replid: 'bbb', linkUp: true, upstream: '10.0.0.0:6379' };
const LAG_MAX = 4 * 1024 * 1024;

/** Leads with this in the record. */
function recorded(record: Partial<GroupRecord>): Rig {
  const rig = Rig.leading();
  const view = leaseOf(rig.state);
  if (view === null) throw new Error('no Lease');
  const known = { ...view, record: { ...view.record, ...record } };
  rig.state = { ...rig.state, lease: { kind: 'present', lease: known, unchangedSince: 0 } };
  return rig;
}

const end = (rig: Rig, others = [pod(1)]): void => {
  rig.effects = [];
  rig.feed({ kind: 'pods', pods: [pod(0, { leaving: true }), ...others] });
};

function ask(rig: Rig, changes: object = {}): AgentState['answer'] {
  const request = { id: 'r1', target: null, term: 1, until: rig.now + 5000, by: 'alice' };
  rig.effects = [];
  rig.feed({ kind: 'request', request: { ...request, ...changes } });
  return rig.state.answer;
}

await t.test('a target counts by the id and the process that this promotion knows', (t) => {
  const phase = (report: Partial<AgentReport>, candidates = [candidate(0), candidate(1)]) => {
    const rig = recorded({ candidates });
    synced(rig, report);
    end(rig);
    return rig.state.phase;
  };
  t.equal(phase({}), 'HandingOver');
  t.equal(phase({ instance: limboOf(1, { ...linked, replid: 'aaa' }) }), 'Leading');
  const whole = { ...linked, offset: 100 - LAG_MAX };
  t.equal(phase({ instance: limboOf(1, whole) }), 'HandingOver', 'it may lack so much');
  t.equal(phase({}, [candidate(0), { ...candidate(1), uid: 'u9' }]), 'Leading', 'another pod');
  t.end();
});

await t.test('who ends gives to a replica that takes writes, though another is better', (t) => {
  const rig = recorded({ candidates: [candidate(0), candidate(1), candidate(2)] });
  const others = [pod(1), pod(2)];
  rig.feed({ kind: 'pods', pods: [pod(0), ...others] });
  synced(rig, { instance: limboOf(1, { ...linked, offset: 99, unwritable: 'aof' }) });
  rig.peer(2, { role: 'replica', inSync: true, instance: limboOf(2, { ...linked, offset: 90 }) });
  if (rig.state.pendingWrite !== null) rig.written('error');
  rig.now += 300;
  end(rig, others);
  t.match(writes(rig.effects).at(-1), { op: 'transfer', holder: { pod: 'redis-2' } });
  t.end();
});

await t.test('before the id of the promotion is recorded nothing is handed over', (t) => {
  const rig = recorded({ lineage: [{ replid: 'aaa', term: 0, start: 0 }] });
  end(rig);
  t.equal(rig.state.phase, 'Leading');
  const asked = recorded({ lineage: [{ replid: 'aaa', term: 0, start: 0 }] });
  t.match(ask(asked), { outcome: 'refused', detail: /only just begun/ });
  t.end();
});

await t.test('why nobody can take over is told', (t) => {
  const silent = Rig.leading();
  silent.state = { ...silent.state, failsafe: { round: 7, startedAt: 0 }, renewSentAt: -5000 };
  t.match(ask(silent), { outcome: 'refused', detail: /API server does not answer/ });
  const alone = Rig.leading();
  synced(alone, { inSync: false });
  t.match(ask(alone), { outcome: 'refused', detail: /no replica is in sync/ });
  t.match(alone.state.reason, /^switchover r1 refused: /, 'and nothing else begun');
  const late = Rig.leading();
  t.match(ask(late, { until: late.now }), { outcome: 'refused', detail: /expired/ });
  t.end();
});

await t.test(
  'a request that another master carried out is neither done again nor answered',
  (t) => {
    const entry = { holder: 'redis-0', reason: '', at: '' };
    const history = [
      { ...entry, term: 1, request: 'r1' },
      { ...entry, term: 2, request: 'other' },
    ];
    for (const record of [{ history }, { answered: 'r1' }]) {
      const rig = recorded(record);
      t.equal(ask(rig), null);
      t.equal(rig.state.phase, 'Leading');
      t.match(ask(rig, { id: 'r11' }), { outcome: 'begun' }, 'by its whole name');
    }
    t.end();
  },
);

await t.test('an answer of an earlier reign does not take the place of a later one', (t) => {
  const rig = Rig.leading();
  /** What the next renewal will say. */
  const answered = (): string | null | undefined => {
    const turn = new Turn({ ...rig.state, pendingWrite: null });
    turn.writeLease('renew', 1, SELF, {}, 'renewal');
    return writes(turn.effects)[0]?.record.answered;
  };
  const see = (resourceVersion: string, by: number, id: string): void => {
    const view = lease({ resourceVersion, term: 2, holder: named(by), record: { answered: id } });
    rig.feed({ kind: 'lease', lease: view });
  };
  ask(rig, { target: 'redis-9' });
  t.equal(answered(), 'r1', 'its own, until the Lease has it');
  see('20', 1, 'r2');
  see('30', 0, 'r2');
  t.equal(answered(), 'r2');
  t.match(rig.state.answer, { id: 'r1' }, 'it still tells of its own');
  t.end();
});

await t.test('HandingOver: another process of Redis than that which led gives nothing', (t) => {
  const rig = Rig.leading();
  end(rig);
  rig.written('error');
  rig.state = { ...rig.state, unsure: false };
  rig.effects = [];
  rig.see({ ...master, runId: 'again' }, rig.now + 300);
  t.equal(rig.state.phase, 'Leading');
  t.same(kinds(rig.effects), []);
  t.end();
});

const old: Instance = { ...master, version: '6.0.16', offset: 100 };

/** Below 7.0: guarded, drained and told to stop. */
function stopping(): Rig {
  const rig = Rig.leading();
  rig.see(old);
  end(rig);
  rig.see(old, rig.now + 10);
  t.same(kinds(rig.effects), ['guard'], 'once');
  rig.effects = [];
  rig.done(old);
  rig.tick();
  t.match(rig.effects, [{ kind: 'limbo', cutClients: true }]);
  rig.state = { ...rig.state, validUntil: rig.now + 60_000 };
  rig.effects = [];
  return rig;
}

await t.test('below 7.0: a stop that is not confirmed within 1.5 s ends in a fence', (t) => {
  const rig = stopping();
  const { phaseSince } = rig.state;
  rig.tick(phaseSince + 1499);
  t.equal(rig.state.phase, 'HandingOver');
  rig.tick(phaseSince + 1500);
  t.equal(rig.state.phase, 'Fencing');
  t.end();
});

await t.test('below 7.0: the Lease goes to the replica that had all of it, if it is there', (t) => {
  const stopped = { ...limbo, version: '6.0.16', offset: 100 };
  const given = stopping();
  given.feed({ kind: 'pods', pods: [pod(0, { leaving: true }), pod(2), pod(1)] });
  given.state = { ...given.state, peers: new Map() };
  given.peer(2, { role: 'replica', instance: limboOf(2, { ...linked, offset: 50 }) });
  synced(given);
  given.effects = [];
  given.done(stopped);
  t.match(writes(given.effects), [{ op: 'transfer', holder: { pod: 'redis-1' } }]);
  const gone = stopping();
  gone.state = { ...gone.state, peers: new Map() };
  gone.done(stopped);
  t.equal(gone.state.phase, 'Deciding');
  t.end();
});

await t.test(
  'only the giver of a pending goal tells where it stopped, and once it stays so',
  (t) => {
    const told = (record: Partial<GroupRecord>, changes: Partial<AgentState> = {}) => {
      const rig = Rig.leading();
      const { pod: name, uid, address } = SELF;
      const given = { goal: 'pending', previous: { pod: name, uid, address }, ...record } as const;
      const view = lease({ term: 2, record: given });
      const redis = { reachable: true, instance: { ...limbo, offset: 120 }, seenAt: 0 } as const;
      const held = { kind: 'present', lease: view, unchangedSince: 0 } as const;
      return finalOffset({ ...rig.state, lease: held, redis, pendingRedis: null, ...changes });
    };
    t.same(told({}), { term: 1, offset: 120 });
    t.equal(told({ goal: 120 }), null);
    t.equal(told({ previous: { pod: 'redis-1', uid: 'u1', address: '' } }), null);
    t.equal(told({ previous: null }), null);
    t.equal(told({}, { pendingRedis: { id: 9, kind: 'attach', sentAt: 0 } }), null, 'it moves on');
    t.equal(told({}, { redis: null }), null);
    t.end();
  },
);
