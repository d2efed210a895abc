// A change of master that a person asks for: carried out once, or refused with the reason.

import t from 'tap';
import type { SwitchoverRequest } from '../../agent/core/model.ts';
import { reportOf } from '../../agent/core/report.ts';
import { readRequest } from '../../agent/kube/annotation-text.ts';
import type { AgentReport } from '../../src/wire.ts';
import { context, kinds, lease, limboOf, master, Rig, synced, writes } from './core-rig.ts';

const following = limboOf(1, { replid: 'bbb', linkUp: true, upstream: '10.0.0.0:6379' });

function ask(rig: Rig, changes: Partial<SwitchoverRequest> = {}): void {
  rig.effects = [];
  const request = { id: 'r1', target: 'redis-1', term: 1, until: rig.now + 5000, by: 'alice' };
  rig.feed({ kind: 'request', request: { ...request, ...changes } });
}

const answerOf = (rig: Rig) => reportOf(rig.state, context).request;

await t.test('a switchover on request: the pod that was named takes over', (t) => {
  const rig = Rig.leading();
  ask(rig);
  t.equal(rig.state.phase, 'HandingOver');
  t.match(writes(rig.effects), [
    {
      op: 'transfer',
      holder: { pod: 'redis-1' },
      term: 2,
      reason: /^switchover asked for by alice$/,
    },
  ]);
  t.match(answerOf(rig), { id: 'r1', outcome: 'begun' });
  t.end();
});

await t.test('a switchover without a named pod: the best one takes over', (t) => {
  const rig = Rig.leading();
  ask(rig, { target: null });
  t.match(writes(rig.effects), [{ op: 'transfer', holder: { pod: 'redis-1' } }]);
  t.end();
});

await t.test('a switchover is refused, with the reason, where it would lose or wait', (t) => {
  const refusals: [Partial<AgentReport>, RegExp][] = [
    [{ inSync: false }, /not in sync/],
    [{ leaving: true }, /terminating/],
    [{ instance: null }, /does not answer/],
    [{ instance: { ...following, upstream: '10.0.0.9:6379' } }, /does not replicate/],
    [{ instance: { ...following, offset: 100 - 4 * 1024 * 1024 - 1 } }, /lacks 4194305 bytes/],
    [{ instance: { ...following, priority: 0 } }, /replica-priority/],
  ];
  for (const [report, reason] of refusals) {
    const rig = Rig.leading();
    synced(rig, report);
    ask(rig);
    t.equal(rig.state.phase, 'Leading');
    t.same(kinds(rig.effects).includes('limbo'), false, 'no pause at all');
    t.match(answerOf(rig), { id: 'r1', outcome: 'refused', detail: reason });
  }
  const requests: [Partial<SwitchoverRequest>, RegExp][] = [
    [{ target: 'redis-7' }, /no member/],
    [{ target: 'redis-0' }, /master already/],
    [{ term: 7 }, /term 7/],
    [{ until: 0 }, /expired/],
  ];
  for (const [request, reason] of requests) {
    const rig = Rig.leading();
    ask(rig, request);
    t.equal(rig.state.phase, 'Leading');
    t.match(answerOf(rig), { outcome: 'refused', detail: reason });
  }
  t.end();
});

await t.test('a switchover is answered once', (t) => {
  const rig = Rig.leading();
  synced(rig, { inSync: false });
  ask(rig);
  synced(rig);
  ask(rig);
  t.equal(rig.state.phase, 'Leading');
  ask(rig, { id: 'r2' });
  t.equal(rig.state.phase, 'HandingOver');
  t.end();
});

/** redis-1 took the Lease in term 2, and this pod's agent sees it. */
function givenTo1(rig: Rig): void {
  ask(rig);
  rig.written('ok');
}

const seen = (rig: Rig, changes: Parameters<typeof lease>[0]): void => {
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '900', term: 2, ...changes }) });
};

const entry = (term: number, holder: string, reason: string) => ({ term, holder, reason, at: '' });
const made = { ...entry(2, 'redis-1', 'switchover r1, asked for by alice'), request: 'r1' };

await t.test('a switchover is done once the successor has opened its term', (t) => {
  const rig = Rig.leading();
  givenTo1(rig);
  t.match(answerOf(rig), { outcome: 'begun' }, 'given away, and not opened yet');
  const lineage = [
    { replid: 'bbb', term: 1, start: 101 },
    { replid: 'ccc', term: 2, start: 121 },
  ];
  seen(rig, { record: { lineage, history: [made] } });
  t.match(answerOf(rig), { outcome: 'done', detail: 'redis-1 leads since term 2' });
  t.end();
});

await t.test('a switchover is undone where its successor did not open its term', (t) => {
  const rig = Rig.leading();
  givenTo1(rig);
  const back = entry(3, 'redis-0', 'redis-1 lacks 12 bytes');
  seen(rig, { term: 3, record: { history: [made, back] } });
  const detail = /redis-1 did not open term 2; redis-0 took term 3: redis-1 lacks 12 bytes/;
  t.match(answerOf(rig), { outcome: 'undone', detail });
  t.end();
});

await t.test('a switchover is undone where nobody is left to be handed over to', (t) => {
  const rig = Rig.leading();
  rig.see({ ...master, version: '6.0.16' });
  synced(rig);
  ask(rig);
  t.match(answerOf(rig), { outcome: 'begun' });
  synced(rig, { leaving: true });
  rig.tick();
  t.equal(rig.state.phase, 'Leading');
  t.match(answerOf(rig), { outcome: 'undone', detail: /nobody is there/ });
  t.end();
});

await t.test('a request that stood there when the agent started is refused', (t) => {
  const rig = Rig.leading();
  rig.state = { ...rig.state, requestAtStart: undefined };
  ask(rig);
  t.equal(rig.state.phase, 'Leading');
  t.match(answerOf(rig), { outcome: 'refused', detail: /restarted since it was made: ask again/ });
  t.end();
});

await t.test('a request expires with a word where the master cannot begin it', (t) => {
  const rig = Rig.leading();
  const locked = { reachable: false, refused: false, locked: true, detail: 'NOAUTH' } as const;
  rig.feed({ kind: 'redis', redis: { ...locked, since: rig.now, last: null } });
  ask(rig, { until: rig.now + 1000 });
  t.equal(answerOf(rig), null);
  rig.tick(rig.now + 1000);
  t.match(answerOf(rig), { outcome: 'refused', detail: /expired while.*NOAUTH/ });
  t.end();
});

await t.test('a request that cannot be read: the field, the value and the remedy', (t) => {
  const whole = {
    id: 'r1',
    operation: 'switchover',
    target: 'redis-1',
    term: 3,
    expires: '2026-01-31T12:00:00Z',
    by: 'alice',
  };
  const read = (changes: object) => readRequest(JSON.stringify({ ...whole, ...changes }));
  t.match(read({}), { id: 'r1', target: 'redis-1', term: 3, by: 'alice' });
  t.match(read({ target: undefined }), { target: null });
  t.match(read({ id: '' }), /^id=""/);
  t.match(read({ operation: 'reboot' }), /^operation="reboot".*switchover/);
  t.match(read({ target: 5 }), /^target=5/);
  t.match(read({ term: '3' }), /^term="3".*whole number/);
  t.match(read({ expires: 'soon' }), /^expires="soon".*2026/);
  t.match(read({ by: undefined }), /^by=null/);
  t.match(readRequest('nonsense'), /JSON object/);
  t.end();
});
