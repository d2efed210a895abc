// The goal of a planned transfer at its edges: whose offset it is, when it is lost, and the way back.

import t from 'tap';
import type { GroupRecord, Instance, PodView } from '../../agent/core/model.ts';
import type { AgentReport } from '../../src/wire.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import {
  candidate,
  kinds,
  lease,
  limboOf,
  named,
  Rig,
  SELF,
  silent,
  targets,
  writes,
} from './core-rig.ts';

const previous = { pod: 'redis-1', uid: 'u1', address: '10.0.0.1' };
const pending = { goal: 'pending', previous, basisMs: 0, decided: true } as const;

function nominee(record: Partial<GroupRecord>, pods: PodView[] = [pod(0), pod(1)]): Rig {
  const rig = Rig.nominee({ previous, basisMs: 0, ...record }, pods);
  rig.effects = [];
  return rig;
}

const isPromoted = (rig: Rig): boolean => kinds(rig.effects).includes('promote');

/** Looks until then; renewals are answered. */
function pass(rig: Rig, untilMs: number, own: Instance = limbo, told?: Partial<AgentReport>): void {
  rig.pass(untilMs, () => {
    if (told !== undefined) rig.peer(1, told);
    rig.see(own);
    if (rig.state.pendingWrite?.write.op === 'renew') rig.written('ok');
  });
}

await t.test('rule 3: what limbo showed of the very process that served is the goal', (t) => {
  const fenced = (instance: Instance | null, isConfirmed = true): Rig => {
    const rig = nominee(pending);
    rig.feed({ kind: 'remote-fenced', uid: 'u1', isConfirmed, instance });
    pass(rig, 600);
    return rig;
  };
  const served = { ...limbo, runId: 'run1', offset: 101 };
  const behind = fenced(served);
  t.notOk(isPromoted(behind), 'a byte is missing');
  behind.see({ ...limbo, offset: 101 });
  t.ok(isPromoted(behind));
  t.ok(isPromoted(fenced({ ...served, runId: 'again', offset: 999 })), 'another process: none');
  t.notOk(isPromoted(fenced(null, false)), 'no answer tells nothing');
  t.end();
});

await t.test('rule 3: a fence of another member tells nothing of the giver', (t) => {
  const rig = nominee(pending, [pod(0), pod(1), pod(2)]);
  rig.feed({ kind: 'remote-fenced', uid: 'u2', isConfirmed: true, instance: null });
  t.equal(rig.state.remoteGoal, null);
  const reached = nominee({ goal: 150 });
  reached.feed({ kind: 'remote-fenced', uid: 'u1', isConfirmed: true, instance: null });
  t.equal(reached.state.remoteGoal, null, 'nor of a goal that is known');
  t.end();
});

await t.test('rule 3: of a giver whose process restarted nothing more is to come', (t) => {
  const rig = nominee(pending);
  rig.peer(1, { role: 'limbo', frozenTerm: 2, instance: limboOf(1, { runId: 'again' }) });
  t.ok(isPromoted(rig));
  t.end();
});

await t.test('rule 3: a giver that has told is not asked through its Redis', (t) => {
  const rig = nominee(pending);
  const told = { role: 'limbo', frozenTerm: 2, finalOffset: { term: 1, offset: 150 } } as const;
  pass(rig, 600, limbo, { ...told, instance: limboOf(1, { offset: 150 }) });
  t.same(targets(rig.effects), []);
  t.notOk(isPromoted(rig));
  t.end();
});

await t.test('rule 3: a giver that is no candidate is waited for, and nobody asked', (t) => {
  const rig = nominee({ ...pending, candidates: [candidate(0)] });
  pass(rig, 600);
  t.same(targets(rig.effects), []);
  t.notOk(isPromoted(rig));
  t.end();
});

await t.test('a goal without a previous holder is none', (t) => {
  const rig = nominee({ goal: 200, previous: null, decided: true });
  rig.frozen(1, { offset: 50 });
  t.ok(isPromoted(rig));
  t.end();
});

await t.test('rule 3: the goal counts up to where this Redis left the id of the giver', (t) => {
  const child = { ...limbo, replid: 'child', replid2: 'aaa', offset: 500 };
  const reached = (changes: Partial<Instance>): boolean => {
    const rig = nominee({ goal: 100 });
    rig.see({ ...child, ...changes });
    return writes(rig.effects).some(({ op }) => op === 'renew') || isPromoted(rig);
  };
  t.equal(reached({ secondOffset: 101 }), true, 'its id is recorded then, and it leads');
  t.equal(reached({ secondOffset: 100 }), false);
  t.equal(reached({ secondOffset: 600, replid2: 'other' }), false, 'of another parent');
  t.end();
});

await t.test('rule 3: a wait for the goal is measured from the nomination', (t) => {
  const rig = Rig.fenced(lease());
  rig.now = 10_000;
  rig.state = { ...rig.state, pendingRedis: null, validUntil: 100_000 };
  const record = { ...pending, basisMs: 10_000 };
  rig.feed({
    kind: 'lease',
    lease: lease({ resourceVersion: '12', holder: SELF, term: 2, record }),
  });
  rig.effects = [];
  pass(rig, 10_000 + config.timing.waitMs - 50);
  t.equal(rig.state.phase, 'Deciding');
  t.notOk(isPromoted(rig));
  pass(rig, 10_000 + config.timing.waitMs + 600);
  t.ok(isPromoted(rig));
  t.end();
});

await t.test(
  'rule 4: a giver that serves on and tells nothing gets no Lease back for that',
  (t) => {
    const rig = nominee(pending);
    const serving = { role: 'master', instance: limboOf(1, { upstream: null }) } as const;
    pass(rig, 3500, limbo, serving);
    t.notOk(writes(rig.effects).some(({ op }) => op === 'transfer'));
    t.notOk(isPromoted(rig));
    t.end();
  },
);

await t.test('rule 4: a restarted nominee does not judge before its goal is lost', (t) => {
  const rig = nominee(pending, [pod(0), pod(1), pod(2)]);
  pass(rig, 3500, { ...limbo, runId: 'run0-again' });
  t.notOk(writes(rig.effects).some(({ op }) => op !== 'renew'));
  pass(rig, 4200, { ...limbo, runId: 'run0-again' });
  t.match(writes(rig.effects).at(-1), { op: 'release' });
  t.end();
});

await t.test(
  'rule 4: the way back is kept for two seconds where its agent is not heard yet',
  (t) => {
    const reborn = { ...limbo, runId: 'run0-again' };
    const leaving = [pod(0), pod(1, { leaving: true })];
    const rig = nominee({ goal: 200 }, leaving);
    pass(rig, 1950, reborn);
    t.notOk(isPromoted(rig), 'what the giver had is still there');
    pass(rig, 2400, reborn);
    t.ok(isPromoted(rig));
    const heard = nominee({ goal: 200 }, leaving);
    pass(heard, 1000, reborn);
    heard.frozen(1, { offset: 200 });
    t.match(writes(heard.effects).at(-1), { op: 'transfer', holder: named(1) });
    t.end();
  },
);

await t.test(
  'rule 4: a goal that was told stands for two seconds, though its giver is gone',
  (t) => {
    const rig = nominee({ goal: 150 });
    const gone = { role: 'unknown', refused: true, instance: null } as const;
    pass(rig, 1950, limbo, gone);
    t.notOk(isPromoted(rig));
    pass(rig, 2600, limbo, gone);
    t.ok(isPromoted(rig));
    t.end();
  },
);

await t.test('rule 4: what is returned was not compared, and nobody leads beside it', (t) => {
  const rig = nominee({ goal: 200 });
  rig.frozen(1, { offset: 200 });
  rig.see({ ...limbo, runId: 'run0-again' }, 100);
  t.same(kinds(rig.effects), ['write-lease']);
  t.match(writes(rig.effects), [{ op: 'transfer', record: { goal: null, decided: false } }]);
  t.end();
});

await t.test('rule 4: a giver whose pod has ended gets nothing back', (t) => {
  const rig = nominee({ goal: 200 }, [pod(0), pod(1, { terminal: true })]);
  rig.frozen(1, { offset: 200 });
  pass(rig, 600, { ...limbo, runId: 'run0-again' });
  const backs = writes(rig.effects).filter(({ reason }) => /did not reach the goal/.test(reason));
  t.same(backs, []);
  t.end();
});

await t.test('a nominee whose own Redis does not answer waits for it, goal or not', (t) => {
  const rig = nominee({ goal: 100 });
  t.doesNotThrow(() => rig.feed({ kind: 'redis', redis: silent(10, false) }, 10));
  t.equal(rig.state.phase, 'Deciding');
  t.same(kinds(rig.effects), []);
  t.end();
});
