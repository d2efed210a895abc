// Views of a group as groupView makes them, for the server of canned.ts.

import { type GroupFacts, type MemberReport } from '../../src/group-facts.ts';
import { type GroupView, groupView } from '../../src/group-view.ts';
import type { InstanceReport } from '../../src/wire.ts';
import { masterReport, memberFacts, replicaReport } from '../harness/member-facts.ts';

const instance: InstanceReport = {
  runId: 'r',
  version: '7.0.15',
  replid: 'a',
  replid2: '',
  secondOffset: -1,
  offset: 88_120_415,
  priority: 100,
  keys: 1,
  loading: false,
  syncing: false,
  linkUp: true,
  aof: false,
  upstream: null,
};

const replica = replicaReport(instance, 88_120_415);
const master = masterReport(replica);

const syncing: MemberReport = {
  ...replica,
  inSync: false,
  offset: 61_002_111,
  instance: { ...instance, syncing: true },
};

const facts: GroupFacts = {
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
      { term: 13, holder: 'redis-2', reason: 'the first master', at: '2026-01-01T00:00:00Z' },
      {
        term: 14,
        holder: 'redis-0',
        reason: 'asked for by alice',
        at: '2026-01-02T00:00:00Z',
        details: {
          among: [{ pod: 'redis-0', offset: 1000 }],
          kind: 'planned',
          pauseMs: 4,
          lostBytes: 0,
        },
      },
    ],
    opened: [13, 14],
  },
  members: [memberFacts(0, master), memberFacts(1, syncing), memberFacts(2, replica)],
  succession: [
    { pod: 'redis-2', problem: null },
    { pod: 'redis-1', problem: 'its first sync is in progress' },
  ],
  route: [{ service: 'redis', kind: 'label', ok: true, detail: '' }],
  paused: null,
  promotion: { term: 14, kind: 'planned', pauseMs: 4 },
};

export const calm: GroupView = groupView(facts);

export const paused: GroupView = groupView({
  ...facts,
  paused: { by: 'alice', reason: 'a new disk', until: '2026-01-31T14:00:00Z' },
});

/** redis-1 leads, redis-0 does not. */
export const moved: GroupView = groupView({
  ...facts,
  members: [memberFacts(0, replica), memberFacts(1, master), memberFacts(2, replica)],
  lease:
    facts.lease === null ? null : { ...facts.lease, holder: 'redis-1', holderUid: 'u1', term: 15 },
  succession: [{ pod: 'redis-2', problem: null }],
});

export const splitBrain: GroupView = groupView({
  ...facts,
  members: [memberFacts(0, master), memberFacts(1, master), memberFacts(2, replica)],
  succession: [{ pod: 'redis-2', problem: null }],
});

/** What somebody who may name things could try; all of it has to be text. */
export const hostile: GroupView = {
  ...calm,
  summary: '<img src=x onerror=alert(1)>',
  members: calm.members.map((each) => ({ ...each, problem: '<script>alert(2)</script>' })),
  warnings: [{ pod: null, text: '"><svg onload=alert(3)>' }],
};

export function large(count: number): GroupView {
  const replicas = Array.from({ length: count - 1 }, (_, n) => memberFacts(n + 1, replica));
  const succession = replicas.map(({ pod }) => ({ pod, problem: null }));
  return groupView({ ...facts, members: [memberFacts(0, master), ...replicas], succession });
}
