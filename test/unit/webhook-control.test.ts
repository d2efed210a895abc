// The small parts around the decision: work queue, kind of sidecar, Events, outcomes, options.

import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import type { EventsV1Api } from '@kubernetes/client-node';
import { test } from 'tap';
import { readConfig, toCoreConfig } from '../../webhook/config.ts';
import { OwnerEvents } from '../../webhook/control/owner-events.ts';
import { allKnowSidecars } from '../../src/native-sidecars.ts';
import { WorkQueue } from '../../webhook/control/work-queue.ts';
import { decide } from '../../webhook/core/decide.ts';
import type { OwnerReference, Pod } from '../../webhook/core/pod.ts';
import { REASONS } from '../../webhook/core/reason-table.ts';
import { type ReasonCode, reason, reasonText } from '../../webhook/core/reasons.ts';
import { createOutcomeHandler } from '../../webhook/outcomes.ts';
import { waitFor } from '../harness/wait-for.ts';
import { CORE, NAMESPACE, redisPod } from './webhook-fixtures.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const SOON = { timeoutMs: 5000 };

void test('a key that is added during its own work is worked on once more', async (t) => {
  const worked: string[] = [];
  const queue: WorkQueue = new WorkQueue({
    work: async (key) => {
      worked.push(key);
      if (worked.length === 1) queue.add('a');
    },
    onError: () => {},
  });
  for (const key of ['a', 'b', 'b', 'a']) queue.add(key);
  await waitFor('the queue is idle', () => queue.isIdle, SOON);
  t.same(worked.toSorted(), ['a', 'a', 'b', 'b']);
});

void test('a key that hangs stops no other, and is not worked on twice at a time', async (t) => {
  const worked: string[] = [];
  let end: () => void = () => {};
  const queue = new WorkQueue({
    work: async (key) => {
      worked.push(key);
      if (key === 'hangs') await new Promise<void>((resolve) => (end = resolve));
    },
    onError: () => {},
  });
  for (const key of ['hangs', 'a', 'hangs', 'b', 'c', 'd', 'e']) queue.add(key);
  await waitFor('the others are done', () => worked.includes('e'), SOON);
  t.same(worked, ['hangs', 'a', 'b', 'c', 'd', 'e']);
  t.notOk(queue.isIdle);
  end();
  await waitFor('it is worked on once more', () => worked.at(-1) === 'hangs', SOON);
  end();
  await waitFor('the queue is idle', () => queue.isIdle, SOON);
});

void test('whoever asks again, a failing key has one chain of retries', async (t) => {
  let worked = 0;
  const queue = new WorkQueue({
    work: async () => {
      worked += 1;
      if (worked < 22) throw new Error('not yet');
    },
    onError: () => {},
  });
  for (let asked = 0; asked < 19; asked++) {
    queue.add('bad');
    await waitFor('it was worked on', () => worked === asked + 1 && queue.isIdle, SOON);
  }
  queue.addLater('bad', 20);
  await waitFor('and later, in place of its own retry', () => worked === 20, SOON);
  await delay(1000);
  t.equal(worked, 20, 'the next one is 30 s away: none of the former ones came');
  queue.add('bad');
  queue.add('bad');
  await waitFor('it ends', () => worked === 22 && queue.isIdle, SOON);
});

void test('a failed key is tried again, and others do not wait for it', async (t) => {
  const worked: string[] = [];
  const retries: number[] = [];
  const queue = new WorkQueue({
    work: async (key) => {
      worked.push(key);
      if (key === 'bad' && worked.length < 4) throw new Error('not yet');
    },
    onError: (_key, _error, retryMs) => retries.push(retryMs),
  });
  queue.add('bad');
  queue.add('good');
  await waitFor('it succeeds', () => worked.length === 4 && queue.isIdle, SOON);
  t.same(worked, ['bad', 'good', 'bad', 'bad']);
  t.same(retries, [200, 400]);
});

void test('sidecars are native only where every kubelet is 1.29 or newer', async (t) => {
  t.equal(allKnowSidecars(['v1.29.0', 'v1.36.3']), true);
  t.equal(allKnowSidecars(['v1.28.9', 'v1.36.3']), false);
  t.equal(allKnowSidecars(['v1.30.1-gke.100', 'v2.0.0']), true);
  t.equal(allKnowSidecars(['']), false, 'a node that does not say counts as old');
  t.equal(allKnowSidecars([]), true);
});

function owned(pod: Pod): Pod {
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'redis', uid: 'u' }];
  return { ...pod, metadata: { ...pod.metadata, ownerReferences } };
}

void test('an owner is told the same words once in ten minutes', async (t) => {
  const notes: string[] = [];
  let nowMs = 0;
  const create = async ({ body }: { body: { note: string } }): Promise<void> => {
    notes.push(body.note);
  };
  const api = { createNamespacedEvent: create } as unknown as EventsV1Api;
  /** A Deployment that makes a ReplicaSet for each of its versions. */
  const deployment = { kind: 'Deployment', name: 'redis', uid: 'd' };
  const owners = {
    of: async (_namespace: string, owner: OwnerReference) =>
      owner.kind === 'ReplicaSet' ? deployment : owner,
  };
  const events = new OwnerEvents({ api, log, owners, instance: 'test', nowMs: () => nowMs });
  const pod = owned(redisPod());
  const why = [reason('literal-password')];
  events.tell('shop', pod, why, 'Inject');
  events.tell('shop', pod, why, 'Inject');
  events.tell('shop', redisPod(), why, 'Inject');
  await setImmediate();
  t.equal(notes.length, 1, 'a pod without an owner has nobody to tell');
  nowMs += 600_001;
  events.tell('shop', pod, why, 'Inject');
  await setImmediate();
  t.equal(notes.length, 2);
  for (const uid of ['r1', 'r1', 'r2']) {
    const ownerReferences = [{ kind: 'ReplicaSet', name: uid, uid }];
    events.tell('shop', redisPod({}, { metadata: { ownerReferences } }), why, 'Inject');
    await setImmediate();
  }
  t.equal(notes.length, 3, 'the Deployment hears it once, whichever ReplicaSet it is of');
});

void test('an owner that is none is told nothing, and ends nothing', async (t) => {
  let events = 0;
  const api = {
    createNamespacedEvent: async () => events++,
  } as unknown as EventsV1Api;
  const owners = { of: async (_namespace: string, owner: OwnerReference) => owner };
  const teller = new OwnerEvents({ api, log, instance: 'test', nowMs: () => 0, owners });
  for (const odd of [-1, {}, [], true, '']) {
    const about = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'redis', uid: 'u' };
    for (const field of ['name', 'uid']) {
      const owner = { ...about, [field]: odd } as typeof about;
      teller.tellAbout('shop', owner, [reason('literal-password')], 'Inject');
    }
  }
  // A promise that nobody awaits and that rejects ends the process: here, this test.
  await setImmediate();
  t.equal(events, 0);
});

void test('what there was no room for is told the next time', async (t) => {
  const notes: string[] = [];
  const held: (() => void)[] = [];
  const create = async ({ body }: { body: { note: string } }): Promise<void> => {
    notes.push(body.note);
    await new Promise<void>((resolve) => held.push(resolve));
  };
  const api = { createNamespacedEvent: create } as unknown as EventsV1Api;
  const owners = { of: async (_namespace: string, owner: OwnerReference) => owner };
  const events = new OwnerEvents({ api, log, owners, instance: 'test', nowMs: () => 0 });
  const tellAll = (): void => {
    for (let id = 0; id < 60; id++) {
      const about = { apiVersion: 'v1', kind: 'Pod', name: `p${id}`, uid: `u${id}` };
      events.tellAbout('shop', about, [reason('uninjected', { pod: `p${id}` })], 'Skip');
    }
  };
  tellAll();
  t.equal(notes.length, 50);
  for (const answer of held) answer();
  await waitFor(
    'the rest is told',
    () => {
      tellAll();
      return notes.length === 60;
    },
    SOON,
  );
  t.equal(new Set(notes).size, 60);
});

function outcomeOf(pod: Pod, isDryRun: boolean, isReady = true) {
  const calls: string[] = [];
  const handle = createOutcomeHandler(
    log,
    {
      ask: (name) => calls.push(`ask ${name}`),
      bind: (_ns, account) => calls.push(`bind ${account}`),
    },
    { tell: (_ns, _pod, reasons) => calls.push(...reasons.map(({ code }) => `tell ${code}`)) },
  );
  const request = { uid: 'u', namespace: 'shop', isDryRun, isPod: true, object: pod };
  handle({ request, pod, decision: decide(pod, { ...NAMESPACE, isReady }, CORE) });
  return calls;
}

void test('what follows a decision: Events, a bound account, a prepared namespace', async (t) => {
  const literal = redisPod({ args: ['--requirepass', 'x'] });
  t.same(outcomeOf(literal, false), ['tell literal-password']);
  const mine = redisPod();
  if (mine.spec !== undefined) mine.spec.serviceAccountName = 'mine';
  t.same(outcomeOf(mine, false), ['bind mine']);
  mine.spec = { ...mine.spec, serviceAccountName: 'No Account' };
  t.same(outcomeOf(mine, false), [], 'what no account is called is bound to nothing');
  t.same(outcomeOf(redisPod(), false, false), ['tell namespace-not-ready', 'ask shop']);
});

void test('nothing follows a dry run', async (t) => {
  t.same(outcomeOf(redisPod({ args: ['--requirepass', 'x'] }), true), []);
  t.same(outcomeOf(redisPod(), true, false), []);
});

void test('every reason has a text that fits a warning with usual values', async (t) => {
  const usual = 'twenty-characters-xx';
  for (const code of Object.keys(REASONS) as ReasonCode[]) {
    const keys = [...REASONS[code].text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
    const annotation = 'redis-orchestrator.io/password-secret';
    const values = Object.fromEntries(
      keys.map((key) => [key, key === 'annotation' ? annotation : usual]),
    );
    const text = reasonText({ code, values });
    t.ok(text.length <= 120 && !text.includes('?') && !text.endsWith('…'), `${code}: ${text}`);
  }
});

void test('options: mistakes are told with their remedy, all at once', async (t) => {
  const wrong = readConfig(['--native-sidecar=maybe', '--https-port=0'], {});
  t.equal(wrong.ok, false);
  if (!wrong.ok) {
    t.equal(wrong.errors.length, 4);
    t.ok(wrong.errors.every((text) => text.includes('Remedy: ')));
  }
  const env = { POD_NAMESPACE: 'system', RO_AGENT_IMAGE: 'agent' };
  const half = readConfig(['--tls-cert-file=/x', '--selector=app in (redis)'], env);
  t.equal(!half.ok && half.errors.length, 2);
});

void test('options: the core gets lists as lists', async (t) => {
  const env = { POD_NAMESPACE: 'system', RO_AGENT_IMAGE: 'agent' };
  const result = readConfig(['--selector=app=a; app=b', '--excluded-namespaces=x, y'], env);
  t.ok(result.ok);
  if (!result.ok) return;
  const core = toCoreConfig(result.config, true);
  t.same(core.selector, [
    ['app', 'a'],
    ['app', 'b'],
  ]);
  t.same([...core.excludedNamespaces], ['x', 'y']);
  t.equal(core.ownNamespace, 'system');
});
