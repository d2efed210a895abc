// What a peer sent is believed only where every field that is read has its shape.

import t from 'tap';
import { readMirror, readRecord } from '../../agent/kube/annotation-text.ts';
import { reportOf } from '../../agent/core/report.ts';
import { isAgentReport } from '../../src/report-shape.ts';
import { TERM_MAX } from '../../src/wire.ts';
import { context, Rig } from './core-rig.ts';

const report = reportOf(Rig.leading().state, context);
const { instance } = report;

await t.test('the report of an agent is one, also through JSON and without a later field', (t) => {
  t.ok(isAgentReport(report));
  t.ok(isAgentReport(JSON.parse(JSON.stringify(report))));
  t.ok(isAgentReport({ ...report, instance: null, state: 'Resting', later: {} }));
  t.ok(isAgentReport({ ...report, instance: { ...instance, unwritable: undefined } }));
  t.end();
});

await t.test('a field of another shape makes it none', (t) => {
  const broken = [
    { podUID: 7 },
    { role: 'king' },
    { term: 1.5 },
    { term: -1 },
    { term: TERM_MAX + 1 },
    { term: '3' },
    { frozenTerm: 3e9 },
    { finalOffset: { term: 1, offset: 'x' } },
    { finalOffset: 5 },
    { promise: { agentId: 'a' } },
    { leaving: 'no' },
    { startupTime: {} },
    { problem: ['x'] },
    { offset: Number.NaN },
    { instance: 'none' },
    { instance: { ...instance, upstream: { host: '10.0.0.1', port: 6379 } } },
    { instance: { ...instance, version: 7 } },
    { instance: { ...instance, linkUp: 1 } },
    { instance: { ...instance, unwritable: 'disk' } },
  ];
  for (const change of broken) {
    t.equal(isAgentReport({ ...report, ...change }), false, JSON.stringify(change));
  }
  for (const value of [null, undefined, 'x', [], 3]) t.equal(isAgentReport(value), false);
  for (const name of ['podName', 'term', 'inSync', 'role', 'clockMs']) {
    const { [name as 'term']: _left, ...rest } = report;
    t.equal(isAgentReport(rest), false, `without ${name}`);
  }
  t.end();
});

await t.test('terms that no group can have are left out of annotations', (t) => {
  for (const term of [3e9, 1.5, -1, '7', null]) {
    t.equal(readMirror(JSON.stringify({ term })).term, 0, String(term));
    const lineage = [{ replid: 'aaa', term, start: 0 }];
    t.same(readRecord(JSON.stringify({ lineage })).lineage, [], String(term));
  }
  t.equal(readMirror('{"term":7}').term, 7);
  t.end();
});
