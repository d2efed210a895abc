// Something breaks in the middle of a promotion: the candidate, its agent, or the label patch
// (scenarios 28, 29, 30).

import t, { type Test } from 'tap';
import type { ApiProxy, Ordered } from '../harness/api-proxy.ts';
import { declarations } from '../harness/declare.ts';
import type { Group } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { openStage, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';
import { waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);
/** Bound where other work may hold both cores. */
const BUSY_MACHINE_MS = 4000;

/** The pod that the Lease names as soon as it is not `before`. */
async function successorOf(group: Group, before: Pod): Promise<Pod> {
  return await waitFor(
    'the Lease names a successor',
    async () => {
      const { podName } = (await group.lease()) ?? {};
      return podName !== before.name && group.pods.find((pod) => pod.name === podName);
    },
    { timeoutMs: 20_000, everyMs: 1 },
  );
}

await declare(
  [28],
  'the candidate is named and dies before it knows: the next one takes over',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage, { apiProxy: true });
    for (const pod of group.others(master)) pod.api.mute('leases');
    const mark = performance.now();
    master.redis.signal('SIGKILL');
    const candidate = await successorOf(group, master);
    candidate.redis.hold();
    candidate.agent.hold();
    candidate.redis.signal('SIGKILL');
    candidate.agent.signal('SIGKILL');
    for (const pod of group.others(candidate)) pod.api.calm();
    await scenario.recovery('the candidate died as well', mark, 30_000, candidate);
    await oneMaster(group, { without: [candidate], not: candidate });
    candidate.api.calm();
    candidate.redis.release();
    candidate.agent.release();
    const next = await oneMaster(group, { not: candidate });
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

/** At whatever moment of the promotion it strikes. */
async function diesWhilePromoted(t: Test, parts: readonly ('redis' | 'agent')[]): Promise<void> {
  const { scenario, group, master } = await startScenario(t, stage);
  const mark = performance.now();
  master.redis.signal('SIGKILL');
  const candidate = await successorOf(group, master);
  for (const part of parts) candidate[part].signal('SIGKILL');
  await scenario.recovery(`${parts.join(' and ')} of the candidate killed`, mark, 30_000);
  const next = await oneMaster(group);
  await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
}

await declare(
  [28],
  "while it is promoted, the candidate's Redis dies: no half state",
  async (t) => {
    await diesWhilePromoted(t, ['redis']);
  },
);

await declare(
  [28],
  "while it is promoted, the candidate's agent dies: no half state",
  async (t) => {
    await diesWhilePromoted(t, ['agent']);
  },
);

await declare([28], 'while it is promoted, all of the candidate dies: no half state', async (t) => {
  await diesWhilePromoted(t, ['redis', 'agent']);
});

/** All label patches hang; the promoted one's agent is killed as soon as its Redis takes writes. */
async function diesBeforeLabel(t: Test, comesBack: boolean): Promise<void> {
  const { scenario, group, master } = await startScenario(t, stage, { apiProxy: true });
  for (const pod of group.others(master)) {
    pod.api.order({ verbs: ['patch'], resource: 'pods', behaviour: 'hang' });
  }
  const mark = performance.now();
  master.redis.signal('SIGKILL');
  const promoted = await waitFor(
    'a replica is master and open',
    () => group.others(master).find((pod) => scenario.probe.lastAcknowledgement(pod) > mark),
    { timeoutMs: 20_000, everyMs: 1 },
  );
  if (!comesBack) promoted.agent.hold();
  promoted.agent.signal('SIGKILL');
  t.not((await group.labels()).get(promoted.name), 'master', 'it died before the label');
  for (const pod of group.pods) pod.api.calm();
  await scenario.recovery(comesBack ? 'it restarts' : 'it stays away', mark, 30_000);
  if (!comesBack) {
    await oneMaster(group, { without: [promoted], not: promoted });
    promoted.agent.release();
  }
  const next = await oneMaster(group);
  t.comment(next === promoted ? 'completed by its restart' : 'completed by a successor');
  await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
}

await declare(
  [29],
  'the agent dies between promotion and label and restarts: completed, by it or a successor',
  async (t) => await diesBeforeLabel(t, true),
);

await declare(
  [29],
  'the agent dies between promotion and label and stays away: its successor completes it',
  async (t) => await diesBeforeLabel(t, false),
);

/** Label patches of all agents meet trouble while the master's Redis is killed. */
async function troubledLabels(
  t: Test,
  order: (api: ApiProxy, master: Pod) => Ordered,
  judge: (orders: readonly Ordered[], master: Pod, next: Pod, group: Group) => Promise<void>,
): Promise<void> {
  const { scenario, group, master } = await startScenario(t, stage, { apiProxy: true });
  const orders = group.pods.map((pod) => order(pod.api, master));
  const mark = performance.now();
  master.redis.signal('SIGKILL');
  const recoveryMs = await scenario.recovery('label patches in trouble', mark, 20_000, master);
  t.ok(recoveryMs < BUSY_MACHINE_MS, 'clients find the new master soon');
  const promoted = group.pods.find((pod) => pod.ip === scenario.writer.last?.address) as Pod;
  await judge(orders, master, promoted, group);
  for (const pod of group.pods) pod.api.calm();
  const next = await oneMaster(group, { not: master });
  await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
}

const hits = (orders: readonly Ordered[]): number =>
  orders.reduce((sum, each) => sum + each.hits, 0);
const patches = { verbs: ['patch'], resource: 'pods' } as const;

await declare([30], 'label patches answer 409 at first: they are repeated', async (t) => {
  await troubledLabels(
    t,
    (api) => api.order({ ...patches, behaviour: { status: 409 }, times: 3 }),
    async (orders) => void t.ok(hits(orders) >= 3, 'repeated'),
  );
});

await declare([30], 'the first label patches time out: they are repeated', async (t) => {
  await troubledLabels(
    t,
    (api) => api.order({ ...patches, behaviour: 'hang', times: 1 }),
    async (orders) => void t.ok(hits(orders) >= 1, 'one hung'),
  );
});

await declare(
  [30],
  'the answers of the first label patches are lost after the work was done: no harm',
  async (t) => {
    await troubledLabels(
      t,
      (api) => api.order({ ...patches, behaviour: 'swallow', times: 2 }),
      async (orders) => void t.ok(hits(orders) >= 1, 'one was lost'),
    );
  },
);

await declare(
  [30],
  'patches of one pod answer 403: the others are labelled, and it is said plainly',
  async (t) => {
    await troubledLabels(
      t,
      (api, master) => api.order({ ...patches, name: master.name, behaviour: { status: 403 } }),
      async (orders, master, next, group) => {
        await waitFor('it was tried repeatedly', () => hits(orders) >= 3, { timeoutMs: 10_000 });
        t.equal((await group.labels()).get(next.name), 'master', 'the new master has its label');
        t.match(next.logTail(10_000), /RO_KUBE_DENIED/, `${master.name}'s strip: said with a code`);
      },
    );
  },
);
