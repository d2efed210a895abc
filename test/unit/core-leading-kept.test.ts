// Row of Leading: what a leader restores, opens again and records, and when it does not.

import t from 'tap';
import type { AgentReport } from '../../src/wire.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import {
  candidate,
  kinds,
  lease,
  limboOf,
  master,
  Rig,
  SELF,
  silent,
  synced,
  writes,
} from './core-rig.ts';

await t.test('Leading: a later term of its own is decided anew', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '99', holder: SELF, term: 2 }) });
  t.equal(rig.state.phase, 'Deciding');
  t.end();
});

await t.test('a deleted Lease is restored with the id that it did not know yet', (t) => {
  const rig = Rig.leading();
  const term = rig.state.opened?.term ?? 0;
  const history = [{ term, holder: 'redis-0', reason: '', at: '' }];
  const datasets = { 'redis-9': { volume: 'pvc/data-redis-9', replid: 'aaa', offset: 5, keys: 5 } };
  const view = lease({ holder: SELF, term, record: { candidates: [], datasets, history } });
  rig.state = { ...rig.state, lease: { kind: 'present', lease: view, unchangedSince: 0 } };
  rig.effects = [];
  rig.feed({ kind: 'lease', lease: null });
  const [write] = writes(rig.effects);
  t.same(write?.record.history, history, 'and all that it told besides');
  t.match(write?.record.datasets, datasets);
  t.same(write?.record.candidates, [candidate(0), candidate(1)]);
  t.match(write?.record.lineage, [{ replid: 'aaa' }, { replid: 'bbb', term }]);
  t.end();
});

await t.test('a deleted Lease is restored after the write that is under way', (t) => {
  const rig = Rig.leading();
  rig.see(master, rig.state.renewSentAt + config.timing.renewMs);
  rig.feed({ kind: 'lease', lease: null });
  const ops = (): string[] => writes(rig.effects).map(({ op }) => op);
  t.same(ops(), ['renew']);
  rig.written('conflict');
  rig.tick(rig.now + 200);
  t.same(ops(), ['renew', 'recreate']);
  t.end();
});

await t.test('a guard that could not be taken off is tried again after 100 ms', (t) => {
  const rig = Rig.leading({ isolates: true });
  rig.state = { ...rig.state, isGuarded: true, isIsolated: true };
  rig.tick();
  rig.tick(rig.now + 200);
  const opens = rig.effects.filter(({ kind }) => kind === 'open');
  t.same(
    opens.map((effect) => ({ ...effect, id: 0, until: 0 })),
    [{ kind: 'open', id: 0, until: 0, isolated: true }],
    'once, and as isolated as before',
  );
  rig.done(null);
  const since = rig.now;
  rig.effects = [];
  rig.tick(since + 99);
  t.notOk(kinds(rig.effects).includes('open'));
  rig.tick(since + 100);
  t.ok(kinds(rig.effects).includes('open'));
  t.end();
});

await t.test('rule 12: pods that join one after another share a renewal, 200 ms apart', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1), pod(2)] });
  rig.now = rig.state.renewSentAt + 199;
  rig.effects = [];
  rig.peer(2, { role: 'limbo', instance: limboOf(2, { keys: 0, replid: 'new' }) });
  t.same(writes(rig.effects), []);
  rig.tick(rig.state.renewSentAt + 200);
  t.match(writes(rig.effects), [{ op: 'renew' }]);
  t.end();
});

await t.test('a master that somebody put into limbo is decided anew as it is', (t) => {
  const rig = Rig.leading();
  rig.effects = [];
  rig.see({ ...limbo, runId: master.runId });
  t.equal(rig.state.phase, 'Deciding');
  t.same(kinds(rig.effects), []);
  t.end();
});

/** Whether a crash hands over at once beside these reports of redis-1 and redis-2. */
function isGivenAtOnce(...reports: Partial<AgentReport>[]): boolean {
  const rig = Rig.leading();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1), pod(2)] });
  for (const [index, report] of reports.entries()) {
    if (index === 0) synced(rig, report);
    else rig.peer(2, report);
  }
  if (rig.state.pendingWrite !== null) rig.written('ok');
  rig.effects = [];
  rig.feed({ kind: 'redis', redis: silent(rig.now, true) });
  return writes(rig.effects).some(({ op }) => op === 'transfer');
}

await t.test('a crash: whose offset may change still is waited for, and nobody else', (t) => {
  t.equal(isGivenAtOnce({ frozenTerm: 1 }), true);
  t.equal(isGivenAtOnce({ frozenTerm: 0 }), false, 'frozen in an earlier term');
  const mute = { role: 'unknown', instance: null, frozenTerm: null } as const;
  t.equal(isGivenAtOnce({ frozenTerm: 1 }, mute), true, 'one whose Redis does not answer');
  t.end();
});

await t.test('a crash: of a Redis that is gone nothing is asked any more', (t) => {
  const rig = Rig.leading();
  rig.effects = [];
  rig.feed({ kind: 'redis', redis: silent(rig.now, true) });
  t.same(kinds(rig.effects), ['write-lease']);
  t.end();
});

await t.test('a crash without a boot fence: offsets are waited for after its proof', (t) => {
  const rig = Rig.leading({ bootFence: false });
  synced(rig, { frozenTerm: null });
  const since = rig.now;
  rig.feed({ kind: 'redis', redis: silent(since, true) });
  rig.tick(since + 199);
  t.notOk(writes(rig.effects).some(({ op }) => op === 'transfer'));
  rig.tick(since + 200);
  t.match(writes(rig.effects).at(-1), { op: 'transfer' });
  t.end();
});
