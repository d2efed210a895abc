// How long clients of a Service wait after the master's Redis was killed, and on what: our failover,
// the EndpointSlice, kube-proxy. One function measures one kill; groups are measured by turns.

import { setTimeout as pause } from 'node:timers/promises';
import { type V1EndpointSlice, Watch } from '@kubernetes/client-node';
import type { Test } from 'tap';
import { waitFor } from '../harness/wait-for.ts';
import { Clients } from './clients.ts';
import type { Cluster } from './cluster.ts';
import { Group } from './group.ts';
import { applyExample, REDIS } from './manifest.ts';
import { createNamespace } from './namespace.ts';
import { redisPid } from './processes.ts';

const ROUTES = { label: 'plain-redis.yaml', fast: 'fast-route.yaml' } as const;
export type RouteName = keyof typeof ROUTES;

/** kube-proxy makes a change wait that follows another within a second: begin when all is quiet. */
const QUIET_MS = 2500;

/** From the kill on: each part is the time after the part before. */
export type KillTimes = {
  /** Until the first write acknowledged by the Service. */
  readonly totalMs: number;
  /** Until another master acknowledges a write at its own address. */
  readonly oursMs: number;
  /** Until the API server shows an EndpointSlice that leads to it. */
  readonly sliceMs: number;
  /** Until the first write comes through the Service. */
  readonly proxyMs: number;
  /** Acknowledged writes that the new master does not have. */
  readonly lost: number;
};

type Figures = {
  readonly n: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
};
type Parts = {
  readonly ours: Figures;
  readonly endpoint_slice: Figures;
  readonly kube_proxy: Figures;
};
type Lost = { readonly lost: number };

/** The `service` field of the benchmark's report. */
export type ServiceFigures = {
  /** By the fast route. */
  readonly ours: Figures & Lost;
  readonly label: Figures & Lost;
  readonly parts: { readonly ours: Parts; readonly label: Parts };
};

/** Notes when the slices of a Service first lead to each address. */
class SliceTimes {
  readonly firstMs = new Map<string, number>();
  private readonly slices = new Map<string, readonly string[]>();
  private readonly abort: AbortController;

  private constructor(abort: AbortController) {
    this.abort = abort;
  }

  static async start(group: Group): Promise<SliceTimes> {
    const path = `/apis/discovery.k8s.io/v1/namespaces/${group.namespace}/endpointslices`;
    const query = { labelSelector: `kubernetes.io/service-name=${group.name}` };
    let times: SliceTimes | undefined;
    const abort = await new Watch(group.cluster.config).watch(
      path,
      query,
      (type: string, slice: V1EndpointSlice) => times?.note(type, slice),
      () => undefined,
    );
    times = new SliceTimes(abort);
    return times;
  }

  private note(type: string, slice: V1EndpointSlice): void {
    const serving = (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
    const addresses = type === 'DELETED' ? [] : serving.flatMap((each) => each.addresses);
    const name = slice.metadata?.name ?? '';
    for (const address of addresses) {
      const wasThere = this.slices.get(name)?.includes(address) === true;
      if (!wasThere) this.firstMs.set(address, performance.now());
    }
    this.slices.set(name, addresses);
  }

  stop(): void {
    this.abort.abort();
  }
}

/** Kills the Redis of the group's master while clients write. */
async function measureKill(t: Test, group: Group): Promise<KillTimes> {
  const master = await group.oneMaster();
  const slices = await SliceTimes.start(group);
  const clients = await Clients.start(t, group);
  await pause(QUIET_MS);
  const killedMs = performance.now();
  process.kill(redisPid(master.uid), 'SIGKILL');
  const direct = await clients.direct.firstAfter(killedMs, 60_000, master.ip);
  const service = await clients.service.firstAfter(performance.now(), 60_000);
  const sliceAtMs = await waitFor(
    'an EndpointSlice leads to the new master',
    () => {
      const at = slices.firstMs.get(direct.address);
      return at !== undefined && at > killedMs && at;
    },
    { timeoutMs: 5000 },
  );
  const first = clients.service.ledger.find(({ sentMs }) => sentMs > killedMs) ?? service;
  const next = await group.oneMaster();
  await clients.stop();
  slices.stop();
  t.not(next.uid, master.uid, 'another pod is master');
  const { lost } = await clients.loss(next.ip);
  // A kubelet waits longer and longer before it restarts a container: a new pod starts afresh.
  await group.kubectl('delete', 'pod', master.name);
  await group.oneMaster();
  // The direct client asks the pods by turns: the slice may show the master before it does.
  const readyMs = Math.min(direct.atMs, sliceAtMs);
  return {
    totalMs: first.atMs - killedMs,
    oursMs: readyMs - killedMs,
    sliceMs: sliceAtMs - readyMs,
    proxyMs: first.atMs - sliceAtMs,
    lost,
  };
}

function figures(values: readonly number[]): Figures {
  const sorted = values.toSorted((left, right) => left - right);
  const at = (share: number): number => {
    const index = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
    return Number((sorted[index] ?? 0).toFixed(1));
  };
  return { n: sorted.length, p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99), max_ms: at(1) };
}

function partsOf(times: readonly KillTimes[]): Parts {
  return {
    ours: figures(times.map(({ oursMs }) => oursMs)),
    endpoint_slice: figures(times.map(({ sliceMs }) => sliceMs)),
    kube_proxy: figures(times.map(({ proxyMs }) => proxyMs)),
  };
}

function totalOf(times: readonly KillTimes[]): Figures & Lost {
  const lost = times.reduce((sum, each) => sum + each.lost, 0);
  return { ...figures(times.map(({ totalMs }) => totalMs)), lost };
}

export async function routedGroup(t: Test, cluster: Cluster, route: RouteName): Promise<Group> {
  const namespace = await createNamespace(t, cluster, `route-${route}`, { isRestricted: true });
  await applyExample(cluster, namespace, ROUTES[route], { image: REDIS.image });
  const group = new Group(cluster, namespace, REDIS.name);
  await group.oneMaster();
  return group;
}

/** So many kills by each route, one after the other, each route in a group of its own. */
export async function measureService(
  t: Test,
  groups: Readonly<Record<RouteName, Group>>,
  rounds: number,
  onKill: (route: RouteName, times: KillTimes) => void,
): Promise<ServiceFigures> {
  const times: Record<RouteName, KillTimes[]> = { label: [], fast: [] };
  for (let round = 0; round < rounds; round++) {
    for (const route of ['label', 'fast'] as const) {
      const measured = await measureKill(t, groups[route]);
      times[route].push(measured);
      onKill(route, measured);
    }
  }
  return {
    ours: totalOf(times.fast),
    label: totalOf(times.label),
    parts: { ours: partsOf(times.fast), label: partsOf(times.label) },
  };
}
