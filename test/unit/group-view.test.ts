// The one picture of a group, from what is known of it: each sentence that people see.

import t from 'tap';
import { groupFactsOf } from '../../agent/core/group-facts.ts';
import { reportOf } from '../../agent/core/report.ts';
import type { GroupFacts, MemberFacts, MemberReport, TermDetails } from '../../src/group-facts.ts';
import { groupView } from '../../src/group-view.ts';
import { masterReport, memberFacts, replicaReport } from '../harness/member-facts.ts';
import { stateFaults } from '../harness/state-schema.ts';
import { limbo, pod } from './core-fixtures.ts';
import { context, Rig, synced, viewOf } from './core-rig.ts';

const instance = { ...limbo, upstream: null, replid: 'bbb', linkUp: true, syncing: false };
const replica = replicaReport(instance, 1000);
const master = masterReport(replica);

const base: GroupFacts = {
  namespace: 'shop',
  group: 'redis',
  at: '2026-01-31T12:00:00.000Z',
  lease: {
    holder: 'redis-0',
    holderUid: 'u0',
    term: 14,
    ageMs: 400,
    waitMs: 4000,
    profile: 'balanced',
    history: [
      { term: 13, holder: 'redis-2', reason: 'first', at: '2026-01-01T00:00:00Z' },
      { term: 14, holder: 'redis-0', reason: 'asked for by alice', at: '2026-01-02T00:00:00Z' },
    ],
    opened: [13, 14],
  },
  members: [
    memberFacts(0, master),
    memberFacts(1, { ...replica, offset: 900 }),
    memberFacts(2, replica),
  ],
  succession: [
    { pod: 'redis-2', problem: null },
    { pod: 'redis-1', problem: 'its first sync is in progress' },
  ],
  route: [{ service: 'redis', kind: 'label', ok: true, detail: '' }],
  paused: null,
  promotion: { term: 14, kind: 'planned', pauseMs: 4 },
};
const withMembers = (...members: MemberFacts[]): GroupFacts => ({ ...base, members });

await t.test('healthy: who leads since when and why, who is next, what was last', (t) => {
  const view = groupView({ ...base, succession: base.succession.slice(0, 1) });
  t.match(view, {
    health: 'healthy',
    summary: 'failover possible',
    master: { pod: 'redis-0', term: 14, since: '2026-01-02T00:00:00Z', reason: /alice/ },
    lease: { holder: 'redis-0', ageMs: 400, waitMs: 4000 },
    prediction: 'If redis-0 crashes: redis-2 takes over, ~0.1 s (its node lost: up to ~4 s)',
    lastChange: { from: 'redis-2', to: 'redis-0', term: 14, pauseMs: 4 },
    warnings: [],
  });
  t.match(view.members, [
    { pod: 'redis-0', role: 'master', state: 'writable', behindBytes: null, next: null },
    { pod: 'redis-2', role: 'replica', state: 'streaming', behindBytes: 0, next: 1 },
    { pod: 'redis-1', behindBytes: 100, next: null, problem: null },
  ]);
  t.end();
});

await t.test('a replica that cannot take over says why', (t) => {
  const shown = groupView(base).members.find(({ pod: name }) => name === 'redis-1');
  t.match(shown, { next: null, problem: 'its first sync is in progress' });
  t.end();
});

await t.test('no master: whose turn it is', (t) => {
  const of = (lease: GroupFacts['lease'], members = withMembers(memberFacts(1, replica)).members) =>
    groupView({ ...base, lease, members }).summary;
  t.equal(of(base.lease), 'no master: redis-0 holds the Lease, and its pod is gone');
  const nobody = base.lease === null ? null : { ...base.lease, holder: null, holderUid: null };
  t.equal(of(nobody), 'no master: nobody holds the Lease');
  t.equal(of(base.lease, []), 'no master: no agent was heard');
  const silent = [memberFacts(0, null), memberFacts(1, replica)];
  t.equal(of(base.lease, silent), 'no master: redis-0 holds the Lease, and its agent is silent');
  const deciding = [memberFacts(0, { ...replica, state: 'Deciding' })];
  t.match(of(base.lease, deciding), /redis-0 holds the Lease and does not lead: Deciding/);
  const view = groupView({ ...base, lease: null, members: [memberFacts(1, replica)] });
  t.match(view, { health: 'critical', master: null, lease: null, lastChange: null });
  t.match(view.prediction, 'Nobody leads: who is next is decided now');
  t.end();
});

await t.test('critical: two masters, or one that refuses writes', (t) => {
  const two = groupView(withMembers(memberFacts(0, master), memberFacts(1, master)));
  t.match(two, { health: 'critical', summary: 'split brain: redis-0 and redis-1 lead' });
  t.match(two.prediction, /More than one Redis takes writes/);
  t.match(two.warnings, [{ pod: null, text: 'more than one Redis takes writes' }]);
  const full = { ...master, instance: { ...instance, unwritable: 'aof' as const } };
  const refusing = groupView(withMembers(memberFacts(0, full), memberFacts(2, replica)));
  t.match(refusing, { health: 'critical', summary: 'redis-0 is master and refuses writes' });
  t.equal(refusing.members[0]?.state, 'refuses writes');
  t.end();
});

await t.test('degraded: paused, nobody next, a wrong label or Service, a problem', (t) => {
  const paused = { by: 'alice', reason: 'disk', until: '2026-01-31T14:00:00Z' };
  const view = groupView({ ...base, paused });
  t.match(view, { health: 'degraded', summary: 'failover is paused by alice', paused });
  t.match(view.prediction, /nobody takes over until 2026-01-31T14/);
  const alone = groupView({ ...base, succession: [] });
  t.match(alone, { health: 'degraded', summary: 'no replica can take over' });
  t.match(alone.prediction, /nobody takes over; writes wait until it is back/);
  const one = groupView({ ...withMembers(memberFacts(0, master)), succession: [] });
  t.match(one, { health: 'healthy', summary: 'one pod alone: no failover' });
  const texts = (facts: GroupFacts) => groupView(facts).warnings.map(({ text }) => text);
  const unlabelled = withMembers(
    memberFacts(0, master, { hasMasterLabel: false }),
    memberFacts(2, replica),
  );
  t.match(texts(unlabelled).join(), /label redis-role=master is not on the master alone/);
  const twice = withMembers(
    memberFacts(0, master),
    memberFacts(2, replica, { hasMasterLabel: true }),
  );
  t.match(texts(twice).join(), /label redis-role=master/);
  const route = [{ service: 'redis', kind: 'label' as const, ok: false, detail: 'no selector' }];
  t.match(texts({ ...base, route }), ['service redis: no selector']);
  const weak = { ...replica, problem: 'RO_X: bad', weaknesses: ['RO_Y: weak'] };
  t.same(texts(withMembers(memberFacts(0, master), memberFacts(2, weak))), [
    'RO_X: bad',
    'RO_Y: weak',
  ]);
  t.end();
});

await t.test('while the API server is silent nobody can take over', (t) => {
  const view = groupView(
    withMembers(memberFacts(0, { ...master, failsafeRound: 3 }), memberFacts(2, replica)),
  );
  t.match(view, { health: 'degraded', summary: 'the API server is silent: no failover' });
  t.match(view.prediction, 'nobody takes over while the API server is silent');
  t.end();
});

await t.test('an API server that refuses is not told to be silent', (t) => {
  const denied = { ...master, failsafeRound: 3, problem: 'RO_KUBE_DENIED: may not write' };
  const view = groupView(withMembers(memberFacts(0, denied), memberFacts(2, replica)));
  t.match(view, {
    health: 'degraded',
    summary: 'the API server refuses the agents: no failover',
    prediction: /nobody takes over while the API server refuses the agents$/,
  });
  t.equal(view.warnings[0]?.text, 'the API server refuses the agents');
  t.end();
});

await t.test('a master that nobody elected beside the one that leads is a split brain', (t) => {
  const stray = {
    ...replica,
    role: 'master',
    state: 'Fenced',
    problem: 'RO_X: not stopped',
  } as const;
  const three = (report: MemberReport): GroupFacts => ({
    ...withMembers(memberFacts(0, master), memberFacts(1, report), memberFacts(2, replica)),
    succession: [1, 2].map((n) => ({ pod: `redis-${n}`, problem: null })),
  });
  const view = groupView(three(stray));
  t.match(view, {
    health: 'critical',
    summary: 'split brain: redis-0 leads, and redis-1 is a master as well',
    prediction: /More than one Redis takes writes/,
  });
  t.match(
    view.members.map(({ pod, next }) => [pod, next]),
    [
      ['redis-0', null],
      ['redis-2', 1],
      ['redis-1', null],
    ],
    'it is not next',
  );
  t.match(view.warnings, [
    { text: 'more than one Redis takes writes' },
    { pod: 'redis-1', text: 'RO_X: not stopped' },
  ]);
  t.match(groupView(three({ ...stray, problem: null })).members[2], {
    problem: 'it is a master that nobody elected',
  });
  for (const state of ['Deciding', 'Promoting', 'HandingOver'] as const) {
    const elected = { ...stray, state, problem: null };
    t.equal(groupView(three(elected)).health === 'critical', false, state);
  }
  t.equal(groupView(three({ ...stray, state: 'Deciding' })).health, 'critical', 'it does not obey');
  t.end();
});

await t.test('what was lost: told, not known, or not known yet', (t) => {
  const history = [
    { term: 13, holder: 'redis-2', reason: 'the first master', at: '' },
    { term: 14, holder: 'redis-0', reason: 'redis-2 fell silent', at: '' },
  ];
  const of = (details: TermDetails | undefined, more: Partial<GroupFacts> = {}) => {
    const [first, last] = history;
    const told = last === undefined || details === undefined ? last : { ...last, details };
    const terms = [first, told].flatMap((each) => each ?? []);
    const lease = base.lease === null ? null : { ...base.lease, history: terms, opened: [13, 14] };
    return groupView({ ...base, ...more, promotion: null, lease }).lastChange;
  };
  const details = { among: [], kind: 'unplanned', pauseMs: 20, lostBytes: 1200 } as const;
  t.match(of(details), { from: 'redis-2', pauseMs: 20, lostBytes: 1200, lost: 'lost 1.2 KB' });
  const isBack = 'what redis-2 had beyond it is not known';
  t.match(of({ among: [] }), { pauseMs: null, lostBytes: null, lost: isBack });
  t.match(of(undefined), { pauseMs: null, lost: isBack });
  const away = { members: [memberFacts(0, master), memberFacts(2, replica, { isHeard: false })] };
  const isAway = 'what was lost is not known until redis-2 is back';
  t.match(of({ among: [] }, away), { lost: isAway });
  t.match(of({ among: [] }, { members: [memberFacts(0, master)] }), { lost: isAway });
  t.match(of({ ...details, kind: 'cold' }), { kind: 'cold', pauseMs: null });
  const told = {
    members: [memberFacts(0, master), memberFacts(2, { ...replica, lost: { term: 14, bytes: 0 } })],
  };
  t.match(of({ among: [] }, told), { lostBytes: 0, lost: 'lost 0 B' }, 'before the record has it');
  t.end();
});

await t.test('each state of a member has its words', (t) => {
  const state = (report: MemberReport | null, more: Partial<MemberFacts> = {}) =>
    groupView(withMembers(memberFacts(1, report, more))).members[0]?.state;
  const of = (changes: Partial<NonNullable<MemberReport['instance']>>, inSync = true) =>
    state({ ...replica, inSync, instance: { ...instance, ...changes } });
  t.equal(state(replica, { hasAgent: false }), 'no agent');
  t.equal(state(null), 'agent silent');
  t.equal(state(replica, { isHeard: false }), 'agent silent');
  t.equal(state({ ...replica, instance: null }), 'not answering');
  t.equal(of({ loading: true }), 'loading');
  t.equal(of({ syncing: true }), 'syncing');
  t.equal(of({ syncing: true, syncPercent: null }), 'syncing');
  t.equal(of({ syncing: true, syncPercent: 41 }), 'syncing 41%');
  t.equal(of({ linkUp: false }), 'link down');
  t.equal(of({}, false), 'catching up');
  t.equal(of({}), 'streaming');
  t.equal(state({ ...replica, role: 'limbo' }), 'waiting');
  t.equal(state({ ...master, isMaster: false }), 'not leading');
  t.end();
});

await t.test('an agent makes the same picture from its own state', (t) => {
  const rig = Rig.leading({}, [pod(0), pod(1), pod(2)]);
  synced(rig);
  rig.frozen(2, { replid: 'bbb', priority: 0 });
  const view = viewOf(rig.state);
  t.match(view, { group: 'redis', summary: 'failover possible', master: { pod: 'redis-0' } });
  t.match(view.members, [
    { pod: 'redis-0', state: 'writable', node: 'node-of-u0' },
    { pod: 'redis-1', next: 1 },
    { pod: 'redis-2', next: null, problem: 'its replica-priority is 0' },
  ]);
  rig.now += 10_000;
  const later = viewOf({ ...rig.state, now: rig.now });
  t.match(later.members, [{}, { state: 'agent silent' }, { state: 'agent silent' }]);
  t.end();
});

await t.test('docs/state.schema.json describes all of it', (t) => {
  const at = '2026-01-31T12:00:00.000Z';
  const stateOf = (rig: Rig) => {
    const own = reportOf(rig.state, { ...context, lastDecision: { reason: 'why', at } });
    const facts = groupFactsOf(rig.state, { own, nodeOf: () => null, at, profile: 'balanced' });
    return { ...own, view: groupView(facts) };
  };
  const leading = Rig.leading();
  leading.feed({ kind: 'pause', pause: { by: 'alice', reason: '', until: 60_000 } });
  t.same(stateFaults(stateOf(leading)), [], 'a master');
  t.same(stateFaults(stateOf(new Rig())), [], 'an agent that knows nothing');
  t.match(stateFaults({ ...stateOf(leading), more: 1 }), [/additional properties.*more/]);
  t.match(stateFaults({ ...stateOf(leading), term: -1 }), [/\/term must be >= 0/]);
  t.end();
});
