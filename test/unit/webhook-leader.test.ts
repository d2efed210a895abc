// Who leads was without the Lease for a moment, between two looks: what happened meanwhile must not be lost.

import type { CoordinationV1Api, V1Lease } from '@kubernetes/client-node';
import { test } from 'tap';
import { Leader } from '../../webhook/control/leader.ts';
import { waitFor } from '../harness/wait-for.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

/** A Lease as the API server keeps it; nobody else writes it. */
function fakeApi() {
  let lease: V1Lease | undefined;
  let writes = 0;
  const store = async ({ body }: { body: V1Lease }): Promise<V1Lease> => {
    lease = { spec: body.spec ?? {}, metadata: { resourceVersion: String(++writes) } };
    return lease;
  };
  const api = {
    readNamespacedLease: async () => lease ?? (await store({ body: { spec: {} } })),
    createNamespacedLease: store,
    replaceNamespacedLease: store,
  } as unknown as CoordinationV1Api;
  return { api, writes: () => writes };
}

void test('a lapse that no look fell into is told all the same', async (t) => {
  const { api, writes } = fakeApi();
  let elapsedMs = 0;
  const told: boolean[] = [];
  const leader = new Leader({
    api,
    namespace: 'system',
    identity: 'me',
    log,
    nowMs: () => Date.now(),
    elapsedMs: () => elapsedMs,
    onChange: (isLeader) => told.push(isLeader),
  });
  const running = leader.run();
  const keepAlive = setInterval(() => {}, 100);
  t.teardown(() => clearInterval(keepAlive));
  await waitFor('it leads', () => told.length === 1, { timeoutMs: 5000 });
  const before = writes();
  await waitFor('it renews', () => writes() > before, { timeoutMs: 5000 });
  t.same(told, [true], 'nothing to tell');
  elapsedMs += 5000;
  t.notOk(leader.isLeader, 'too long ago');
  await waitFor('it is told again', () => told.length === 2, { timeoutMs: 5000 });
  t.same(told, [true, true]);
  t.ok(leader.isLeader);
  await leader.release();
  t.notOk(leader.isLeader);
  await running;
});
