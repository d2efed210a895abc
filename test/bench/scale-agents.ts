// A process of many simulated agents: the real adapters of the API server, each agent with connections and
// watches of its own, at the real periods; no Redis, no peers, no core. Started by scale.ts.

import { readFileSync, writeFileSync } from 'node:fs';
import { systemClock } from '../../agent/clock.ts';
import { spread } from '../../agent/core/jitter.ts';
import { TIMING_PROFILES } from '../../agent/core/lease-clock.ts';
import type { GroupRecord, Holder, LeaseView } from '../../agent/core/model.ts';
import { EMPTY_RECORD } from '../../agent/core/view.ts';
import { KubeApi } from '../../agent/kube/api.ts';
import { LeaseAdapter } from '../../agent/kube/lease.ts';
import { PodsAdapter } from '../../agent/kube/pods.ts';
import { readRoute } from '../../agent/kube/service-route.ts';
import { SlicesAdapter } from '../../agent/kube/slices.ts';
import { GROUP_LABEL } from '../../src/names.ts';
import type { GroupPlan, ScalePlan, ScaleResult } from './scale-plan.ts';

const SYNC_MS = 15_000;
const TIMING = TIMING_PROFILES.balanced;
const clock = systemClock;
const plan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ScalePlan;
const startedAt = clock.now();

const renewals: number[] = [];
const watched: number[] = [];
const failed: Record<string, number> = {};
const apis: KubeApi[] = [];
let expired = 0;
let brokenWatches = 0;

function isMeasured(): boolean {
  const sinceMs = clock.now() - startedAt;
  return sinceMs >= plan.fromMs && sinceMs < plan.toMs;
}

/** As large as a record of three members becomes. */
function recordOf({ pods }: GroupPlan): GroupRecord {
  const replid = '8371b4fb1155b71f4a04d3e1bc3e18c4a990aeeb';
  const datasets = pods.map(({ name }) => {
    const volume = `pvc/data-${name}`;
    return [name, { volume, replid, offset: 123_456_789, keys: 100_000 }] as const;
  });
  return {
    ...EMPTY_RECORD,
    candidates: pods.map(({ name, uid }) => ({
      pod: name,
      uid,
      address: '10.244.100.100',
      runId: replid,
    })),
    lineage: [1, 2, 3].map((term) => ({ replid, term, start: 1 })),
    datasets: Object.fromEntries(datasets),
    history: [1, 2, 3, 4, 5].map((term) => ({
      term,
      holder: pods[0]?.name ?? '',
      reason: 'nobody holds the group: best of all members',
      at: '2026-01-01T00:00:00.000Z',
    })),
  };
}

class SimulatedAgent {
  readonly #group: GroupPlan;
  readonly #self: Holder;
  readonly #api: KubeApi;
  readonly #lease: LeaseAdapter;
  readonly #pods: PodsAdapter;
  readonly #slices: SlicesAdapter;
  #seen: LeaseView | null = null;
  #renewedAt = Number.NEGATIVE_INFINITY;

  constructor(group: GroupPlan, ordinal: number) {
    const { name = '', uid = '' } = group.pods[ordinal] ?? {};
    this.#group = group;
    this.#self = { pod: name, uid, agentId: `agent${ordinal}` };
    const headers = (): Record<string, string> => ({ authorization: `Bearer ${group.token}` });
    this.#api = new KubeApi({ origin: plan.url, tls: { ca: plan.caPem }, headers }, clock);
    apis.push(this.#api);
    this.#lease = new LeaseAdapter(this.#api, group.namespace, group.name, TIMING.waitMs);
    this.#pods = new PodsAdapter(this.#api, group.namespace);
    this.#slices = new SlicesAdapter(this.#api, group.namespace);
  }

  start(isHolder: boolean): void {
    const onBroken = (): void => {
      if (isMeasured()) brokenWatches++;
    };
    const { name } = this.#group;
    const selectors = [`${GROUP_LABEL}=${name}`, `app=redis,!${GROUP_LABEL}`];
    const group = { name, selectors, belongs: () => true };
    this.#pods.watch(group, () => undefined, onBroken, Math.random);
    void this.#slices.watchServices(onBroken, Math.random);
    void this.#lease.watch((lease) => this.#see(lease, isHolder), onBroken, Math.random);
    clock.every(SYNC_MS, () => void this.#sync());
    if (isHolder) void this.#hold();
  }

  #see(lease: LeaseView | null, isHolder: boolean): void {
    const isNews = lease?.renewTime !== this.#seen?.renewTime;
    this.#seen = lease;
    if (isHolder || !isNews || lease?.renewTime == null || !isMeasured()) return;
    watched.push(clock.epochMs() - Date.parse(lease.renewTime));
  }

  /** What the agent looks at again and again. */
  async #sync(): Promise<void> {
    const own = { metadata: { namespace: this.#group.namespace, labels: { app: 'redis' } } };
    const timeoutMs = TIMING.requestTimeoutMs;
    await this.#lease.read(timeoutMs);
    await readRoute(this.#api, own, { service: 'redis', group: this.#group.name, timeoutMs });
  }

  async #hold(): Promise<void> {
    const record = recordOf(this.#group);
    let failures = 0;
    while (clock.now() - startedAt < plan.toMs) {
      const sentAt = clock.now();
      const isRenewed = await this.#renew(record);
      // As the core's: soon again after a failure, then ever later.
      failures = isRenewed ? 0 : failures + 1;
      const backoffMs = Math.min(2000, 50 * 2 ** Math.min(failures, 10));
      const untilNextMs = sentAt + TIMING.renewMs - clock.now();
      const pauseMs = isRenewed ? untilNextMs : spread(backoffMs, Math.random());
      await clock.sleep(Math.max(0, pauseMs));
    }
  }

  async #renew(record: GroupRecord): Promise<boolean> {
    const { requestTimeoutMs, validityMs } = TIMING;
    const sentAt = clock.now();
    const resourceVersion = this.#seen?.resourceVersion ?? '';
    const op = resourceVersion === '' ? 'acquire' : 'renew';
    const write = { op, resourceVersion, holder: this.#self, term: 1, record, reason: '' } as const;
    const done = await this.#lease.write(write, requestTimeoutMs, clock.epochMs());
    if (done.lease !== null) this.#seen = done.lease;
    const now = clock.now();
    if (done.outcome === 'ok') {
      if (isMeasured()) {
        renewals.push(now - sentAt);
        if (now - this.#renewedAt > validityMs) expired++;
      }
      this.#renewedAt = sentAt;
    } else if (isMeasured()) failed[done.outcome] = (failed[done.outcome] ?? 0) + 1;
    return done.outcome === 'ok';
  }
}

const agents = plan.groups.flatMap((group) =>
  group.pods.map((_, ordinal) => ({ agent: new SimulatedAgent(group, ordinal), ordinal })),
);
for (const [index, { agent, ordinal }] of agents.entries()) {
  clock.after((index / agents.length) * plan.rampMs, () => agent.start(ordinal === 0));
}
const requests = (): number => apis.reduce((sum, { requestCount }) => sum + requestCount, 0);
let before = { requests: 0, cpu: process.cpuUsage() };
clock.after(plan.fromMs, () => {
  before = { requests: requests(), cpu: process.cpuUsage() };
});
clock.after(plan.toMs, () => {
  const { user, system } = process.cpuUsage(before.cpu);
  const result: ScaleResult = {
    renewals_ms: renewals,
    watched_ms: watched,
    failed,
    expired,
    requests: requests() - before.requests,
    brokenWatches,
    cpuSeconds: (user + system) / 1e6,
  };
  writeFileSync(plan.resultFile, JSON.stringify(result));
  process.exit(0);
});
