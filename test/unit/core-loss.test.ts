// What a deposed master says that it had beyond its successor: never less than it was, never twice, and nothing where
// its process is another one than then.

import t from 'tap';
import { lossAfter, lossOf, newlyLost } from '../../agent/core/loss.ts';
import type { AgentState, TermEntry } from '../../agent/core/model.ts';
import { withOutcomes } from '../../agent/core/term-details.ts';
import { isAgentReport } from '../../src/report-shape.ts';
import { reportOf } from '../../agent/core/report.ts';
import { limbo, pod } from './core-fixtures.ts';
import { context, lease, master, named, Rig, SELF } from './core-rig.ts';

const lineage = [
  { replid: 'aaa', term: 1, start: 1 },
  { replid: 'bbb', term: 2, start: 247 },
];
const BEGAN_MS = 1_000_000;
const history: readonly TermEntry[] = [
  { term: 1, holder: 'redis-0', reason: '', at: '', details: { among: [] } },
  {
    term: 2,
    holder: 'redis-1',
    reason: '',
    at: new Date(BEGAN_MS).toISOString(),
    details: { among: [] },
  },
];

function deposed(offset: number, changes: Partial<AgentState> = {}, started = 0): AgentState {
  const rig = Rig.fenced(lease({ term: 2, holder: named(1), record: { lineage, history } }));
  rig.see({ ...limbo, replid: 'aaa', offset, startedEpochMs: started });
  return { ...rig.state, ...changes };
}

await t.test('a process that was there when its successor began tells what it had', (t) => {
  t.same(lossOf(deposed(300)), { term: 2, bytes: 54 });
  const opened = { term: 1, runId: limbo.runId, replid: 'aaa' };
  const late = BEGAN_MS + 60_000;
  t.same(lossOf(deposed(300, { opened }, late)), { term: 2, bytes: 54 }, 'this agent opened it');
  t.end();
});

await t.test('one that was started since knows nothing of it, whatever its snapshot holds', (t) => {
  for (const offset of [106, 260, 300]) {
    t.equal(lossOf(deposed(offset, {}, BEGAN_MS - 1000)), null, 'within the error of two clocks');
    t.equal(lossOf(deposed(offset, {}, BEGAN_MS + 1000)), null);
  }
  t.end();
});

await t.test('what was lost once is neither found again nor lost again', (t) => {
  const lost = { term: 2, bytes: 54 };
  t.equal(lossAfter(deposed(260, { lost })), lost);
  t.equal(lossAfter(deposed(106, { lost }, BEGAN_MS)), lost);
  t.same(lossAfter(deposed(310, { lost })), { term: 2, bytes: 64 });
  t.equal(newlyLost(lost, lost), 0);
  t.equal(newlyLost(lost, { term: 2, bytes: 64 }), 10);
  t.equal(newlyLost(lost, { term: 3, bytes: 7 }), 7);
  t.equal(newlyLost(null, lost), 54);
  t.end();
});

await t.test('a deposed master that leads again writes down what it lost itself', (t) => {
  const rig = Rig.leading({}, [pod(0), pod(1)]);
  const again = [...history, { term: 3, holder: 'redis-0', reason: '', at: '' }];
  const record = { lineage: [...lineage, { replid: 'ccc', term: 3, start: 400 }], history: again };
  const view = lease({ term: 3, holder: SELF, record });
  const known = { kind: 'present', lease: view, unchangedSince: 0 } as const;
  const lost = { term: 2, bytes: 54 };
  const details = withOutcomes({ ...rig.state, lease: known, lost })[1]?.details;
  t.equal(details?.lostBytes, 54);
  t.end();
});

await t.test('no fraction and nothing below zero is taken from a peer', (t) => {
  const report = reportOf(Rig.leading().state, context);
  const of = (bytes: number): boolean => isAgentReport({ ...report, lost: { term: 2, bytes } });
  t.equal(of(54), true);
  for (const bytes of [-1, 5.5, Number.NaN, 1e308]) t.equal(of(bytes), false, String(bytes));
  t.end();
});

await t.test('an election begins when it begins, not with what was given up before', (t) => {
  const rig = Rig.leading();
  rig.state = { ...rig.state, phase: 'HandingOver', phaseSince: rig.now, electionAt: rig.now };
  for (let n = 0; n < 400 && rig.state.phase !== 'Leading'; n++) rig.tick(rig.now + 20);
  t.match(rig.state, { phase: 'Leading', electionAt: null, goalAt: null });
  t.end();
});

await t.test('a switchover whose giver ended before it told its offset ended like a crash', (t) => {
  const request = { term: 2, holder: 'redis-0', reason: 'switchover', at: '', request: 'r1' };
  const previous = { pod: 'redis-1', uid: 'u1', address: '10.0.0.1' };
  const goal = { goal: 'pending', decided: true, basisMs: 0, previous } as const;
  const rig = Rig.nominee({ ...goal, history: [...history.slice(0, 1), request] });
  const gone = { agentId: 'x', refused: true, instance: null, role: 'unknown' } as const;
  for (let n = 0; n < 600 && rig.state.phase !== 'Leading'; n++) {
    rig.peer(1, gone);
    rig.tick(rig.now + 10);
    const asked = rig.effects.some(({ kind }) => kind === 'fence-remote');
    rig.effects = [];
    if (asked) {
      const fenced = { uid: 'u1', isConfirmed: true, instance: null };
      rig.feed({ kind: 'remote-fenced', ...fenced });
    }
    if (['promote', 'open'].includes(rig.state.pendingRedis?.kind ?? '')) rig.done(master);
  }
  t.equal(rig.state.phase, 'Leading', rig.state.reason);
  t.match(rig.state.promotion, { term: 2, kind: 'unplanned' });
  t.end();
});
