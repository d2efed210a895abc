// Carries the faults of a schedule out. Each ends by itself after its time.

import { leaseName, REQUEST_ANNOTATION, ROLE_LABEL } from '../../src/names.ts';
import { type AgentWorld, GROUP } from './agent.ts';
import { API_HOST } from './api-client.ts';
import type { StoredLease } from './api-server.ts';
import type { Checker } from './checker.ts';
import type { SimCluster, SimPod } from './cluster.ts';
import { annotateRequests, force, giveUpData, pause } from './person.ts';
import { EPOCH_MS } from './process.ts';
import { RedisClient } from './redis/client.ts';
import { appended, EMPTY } from './redis/dataset.ts';
import { type Fault, isJump } from './schedule.ts';

type Parts = AgentWorld & {
  readonly cluster: SimCluster;
  readonly checker: Checker;
  readonly trace: (who: string, text: string) => void;
};

const FOREIGN_WRITES = 3;

/** When the last consequence of a fault that the schedule brings about itself is over. */
export function endOf(fault: Fault): number {
  if (!('ms' in fault) || isJump(fault)) return fault.at;
  const end = fault.at + fault.ms;
  if (fault.kind === 'force-delete') return end + fault.ghostMs;
  // It may wait for its effect for a while, as a person hesitates.
  if (fault.kind === 'force') return end + 1000;
  return fault.kind === 'kill-agent-at-effect' ? end + 1000 : end;
}

function podOf({ cluster }: Parts, ordinal: number): SimPod | null {
  if (ordinal >= 0) return cluster.current(ordinal);
  const masters = cluster.pods.filter((pod) => pod.isListed && pod.redis?.isMaster === true);
  return masters.toSorted((a, b) => (b.term ?? 0) - (a.term ?? 0))[0] ?? cluster.current(0);
}

export function inject(parts: Parts, fault: Fault): void {
  parts.trace('FAULT', JSON.stringify(fault));
  if (!('pod' in fault)) return injectForAll(parts, fault);
  const pod = podOf(parts, fault.pod);
  if (pod !== null) injectAt(parts, fault, pod);
}

type ForAll = Exclude<Fault, { readonly pod: number }>;

function injectForAll(parts: Parts, fault: ForAll): void {
  const { cluster, api, world } = parts;
  switch (fault.kind) {
    case 'api-refuses':
    case 'api-hangs':
      api.setMode(fault.kind === 'api-hangs' ? 'hang' : 'refuse');
      world.after(fault.ms, () => api.setMode('up'));
      return;
    case 'break-watches':
      return api.breakWatches();
    case 'delete-lease':
      for (const { metadata } of api.list('leases')) api.remove('leases', metadata.name);
      return;
    case 'crash-all':
      for (const pod of cluster.running()) {
        cluster.killRedis(pod, fault.ms * (1 + (pod.index % 2)) * 0.5);
        cluster.killAgent(pod, fault.ms);
      }
      return;
    case 'switchover':
      return ask(api, world.now(), fault);
    case 'pause':
      return pause(parts, fault);
    case 'force':
      return force(parts, fault.ms, fault.waits);
    case 'discard-data':
      return giveUpData(parts, fault.ms);
    case 'scale-away':
      cluster.isScaledAway = true;
      for (const pod of cluster.running()) cluster.deletePod(pod, 0);
      world.after(fault.ms, () => cluster.scaleUp());
  }
}

/** As a person does it: for the present term only. */
function ask(
  api: AgentWorld['api'],
  now: number,
  { at, target, expiresMs }: Extract<Fault, { kind: 'switchover' }>,
): void {
  const lease = api.find('leases', leaseName(GROUP)) as StoredLease | null;
  const request = {
    id: `request-at-${at}`,
    operation: 'switchover',
    ...(target < 0 ? {} : { target: `redis-${target}` }),
    term: lease?.spec?.leaseTransitions ?? 0,
    expires: new Date(EPOCH_MS + now + expiresMs).toISOString(),
    by: 'the schedule',
  };
  annotateRequests(api, REQUEST_ANNOTATION, JSON.stringify(request));
}

function injectAt(parts: Parts, fault: Exclude<Fault, ForAll>, pod: SimPod): void {
  const { cluster, network, world, api, checker } = parts;
  const later = (run: () => void): void => {
    if ('ms' in fault) world.after(fault.ms, run);
  };
  switch (fault.kind) {
    case 'kill-redis':
      return cluster.killRedis(pod, fault.ms);
    case 'kill-agent':
      return cluster.killAgent(pod, fault.ms);
    case 'kill-both':
      cluster.killRedis(pod, fault.ms);
      return cluster.killAgent(pod, fault.ms);
    case 'kill-agent-at-effect':
      if (pod.agent !== null) pod.agent.killAfterEffects = fault.effects;
      return;
    case 'freeze-redis':
    case 'suspend': {
      const { redis } = pod;
      // Known before the first command that waited is carried out.
      if (redis !== null) {
        checker.frozen(redis);
        later(() => checker.thawed(redis));
      }
      cluster.freezeRedis(pod, fault.ms);
      if (fault.kind === 'suspend') cluster.stopAgent(pod, fault.ms);
      return;
    }
    case 'stop-agent':
      return cluster.stopAgent(pod, fault.ms);
    case 'cut':
    case 'slow':
      return hinder(parts, fault, pod);
    case 'isolate':
      for (const { host } of cluster.pods) {
        if (host === pod.host) continue;
        network.cut(pod.host, host);
        network.cut(host, pod.host);
        later(() => network.heal(pod.host, host));
        later(() => network.heal(host, pod.host));
      }
      return;
    case 'flap': {
      const hosts = fault.from === 'api' ? [] : cluster.pods.map(({ host }) => host);
      const others = fault.from === 'peers' ? hosts : [...hosts, API_HOST];
      return flap(parts, fault, pod.host, others);
    }
    case 'cut-api':
      network.cut(pod.host, API_HOST);
      later(() => network.heal(pod.host, API_HOST));
      return;
    case 'cut-api-back':
      network.cut(API_HOST, pod.host);
      later(() => network.heal(API_HOST, pod.host));
      return;
    case 'api-trouble':
    case 'api-slow':
    case 'watch-lag':
      return troubleApi(fault, pod, later);
    case 'delete-pod':
      return cluster.deletePod(pod, fault.ms);
    case 'foreign-pod': {
      let dataset = EMPTY;
      for (let id = 1; id <= FOREIGN_WRITES; id++) dataset = appended(dataset, -id);
      const replid = parts.random.hexId();
      return cluster.deletePod(pod, fault.ms, { dataset, replid, offset: 500 });
    }
    case 'force-delete':
      return cluster.forceDelete(pod, fault.ghostMs, fault.ms);
    case 'power-off':
      return cluster.powerOff(pod, fault.ms, fault.returns);
    case 'promote-by-hand':
      new RedisClient(network, 'person', pod.host).send([{ kind: 'replicaof-no-one' }]);
      return;
    case 'label-by-hand': {
      const old = api.find('pods', pod.name);
      if (old === null) return;
      const labels = { ...old.metadata.labels, [ROLE_LABEL]: 'master' };
      api.put('pods', { ...old, metadata: { ...old.metadata, labels } });
      return;
    }
    case 'wall-jump':
      pod.jumps.wallMs += fault.ms;
      return;
    case 'boot-clock-jump':
      pod.jumps.bootMs += fault.ms;
  }
}

/** Both ways, from these hosts. */
function flap(
  { network, world }: Parts,
  { ms, offMs, onMs }: Extract<Fault, { kind: 'flap' }>,
  host: string,
  others: readonly string[],
): void {
  const each = (change: (a: string, b: string) => void): void => {
    for (const other of others) {
      if (other === host) continue;
      change(host, other);
      change(other, host);
    }
  };
  for (let from = 0; from < ms; from += offMs + onMs) {
    world.after(from, () => each((a, b) => network.cut(a, b)));
    world.after(Math.min(ms, from + offMs), () => each((a, b) => network.heal(a, b)));
  }
}

function hinder(
  { cluster, network, world }: Parts,
  fault: Extract<Fault, { kind: 'cut' | 'slow' }>,
  pod: SimPod,
): void {
  const other = cluster.current(fault.other);
  if (other === null || other === pod) return;
  if (fault.kind === 'cut') {
    network.cut(pod.host, other.host);
    world.after(fault.ms, () => network.heal(pod.host, other.host));
    return;
  }
  network.slow(pod.host, other.host, fault.delayMs, fault.loss);
  world.after(fault.ms, () => network.slow(pod.host, other.host, 0, 0));
}

function troubleApi(
  fault: Extract<Fault, { kind: 'api-trouble' | 'api-slow' | 'watch-lag' }>,
  { agent }: SimPod,
  later: (run: () => void) => void,
): void {
  if (agent === null) return;
  const { api } = agent;
  if (fault.kind === 'api-trouble') {
    const { status, share, isDone } = fault;
    api.trouble = { status, share, isDone };
    later(() => {
      api.trouble = null;
    });
  } else if (fault.kind === 'api-slow') {
    api.slowMs = fault.delayMs;
    later(() => {
      api.slowMs = 0;
    });
  } else {
    api.watchLagMs = fault.delayMs;
    later(() => {
      api.watchLagMs = 0;
    });
  }
}
