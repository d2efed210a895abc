// The pods of one StatefulSet on the cluster, and what is true of them: labels, Lease, Redis.

import type { V1Pod } from '@kubernetes/client-node';
import { AGENT_CONTAINER, AGENT_HTTP_PORT, leaseName, ROLE_LABEL } from '../../src/names.ts';
import type { AgentReport } from '../../src/wire.ts';
import { type RedisAccess, redisCommand, replicationInfo } from '../harness/redis-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { Cluster } from './cluster.ts';

export type GroupPod = {
  readonly name: string;
  readonly uid: string;
  readonly ip: string;
  readonly role: string | undefined;
  readonly isReady: boolean;
  readonly isLeaving: boolean;
  readonly hasAgent: boolean;
  readonly object: V1Pod;
};

function describePod(object: V1Pod): GroupPod {
  const { metadata, spec, status } = object;
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    ip: status?.podIP ?? '',
    role: metadata?.labels?.[ROLE_LABEL],
    isReady: (status?.conditions ?? []).some(
      ({ type, status: value }) => type === 'Ready' && value === 'True',
    ),
    isLeaving: metadata?.deletionTimestamp !== undefined,
    hasAgent: containers.some(({ name }) => name === AGENT_CONTAINER),
    object,
  };
}

function names(pods: readonly GroupPod[]): string {
  return pods.map(({ name }) => name).join(', ');
}

export class Group {
  readonly cluster: Cluster;
  readonly namespace: string;
  /** Of the StatefulSet, its label `app` and its clients' Service. */
  readonly name: string;
  readonly access: RedisAccess;
  /** Addresses of the pods when they were last listed. */
  addresses: string[] = [];

  constructor(cluster: Cluster, namespace: string, name: string, access: RedisAccess = {}) {
    this.cluster = cluster;
    this.namespace = namespace;
    this.name = name;
    this.access = access;
  }

  async kubectl(...args: string[]): Promise<string> {
    return await this.cluster.kubectl(['-n', this.namespace, ...args]);
  }

  async pods(): Promise<GroupPod[]> {
    const { items } = await this.cluster.core.listNamespacedPod({
      namespace: this.namespace,
      labelSelector: `app=${this.name}`,
    });
    const pods = items.map(describePod);
    this.addresses = pods.map(({ ip }) => ip).filter((ip) => ip !== '');
    return pods.sort((left, right) => left.name.localeCompare(right.name));
  }

  async pod(name: string): Promise<GroupPod> {
    const found = (await this.pods()).find((each) => each.name === name);
    if (found === undefined) throw new Error(`there is no pod ${name}`);
    return found;
  }

  async leaseHolder(): Promise<string> {
    const lease = await this.cluster.coordination.readNamespacedLease({
      namespace: this.namespace,
      name: leaseName(this.name),
    });
    return lease.spec?.holderIdentity ?? '';
  }

  async serviceAddress(name = this.name): Promise<string> {
    const service = await this.cluster.core.readNamespacedService({
      namespace: this.namespace,
      name,
    });
    return service.spec?.clusterIP ?? '';
  }

  async scale(size: number): Promise<void> {
    await this.kubectl('scale', `statefulset/${this.name}`, `--replicas=${size}`);
  }

  async command(address: string, command: string, ...args: string[]): Promise<unknown> {
    return await redisCommand(address, this.access, command, ...args);
  }

  /** All pods run and are ready, whatever their roles. */
  async allReady(size: number, timeoutMs = 120_000): Promise<GroupPod[]> {
    return await waitFor(
      `${size} pods of ${this.name} are ready`,
      async () => {
        const pods = await this.pods();
        const ready = pods.filter(({ isReady, isLeaving }) => isReady && !isLeaving);
        return pods.length === size && ready.length === size ? pods : undefined;
      },
      { timeoutMs, everyMs: 200 },
    );
  }

  private async findOneMaster(size: number): Promise<GroupPod> {
    const pods = await this.pods();
    const unready = pods.filter((pod) => !pod.isReady || pod.isLeaving || !pod.hasAgent);
    if (pods.length !== size || unready.length > 0) {
      throw new Error(`${pods.length} pods, not ready: [${names(unready)}]`);
    }
    const labelled = pods.filter(({ role }) => role === 'master');
    const [master] = labelled;
    if (master === undefined || labelled.length > 1) {
      throw new Error(`labelled master: [${names(labelled)}]`);
    }
    const holder = await this.leaseHolder();
    if (!holder.startsWith(`${master.name}_${master.uid}_`)) {
      throw new Error(`the Lease is held by ${holder}, labelled is ${master.name}`);
    }
    for (const pod of pods) {
      const { role, masterHost, linkUp } = await replicationInfo(pod.ip, this.access);
      if (pod === master) {
        if (role !== 'master') throw new Error(`${pod.name} is labelled master and is ${role}`);
      } else if (role !== 'slave' || masterHost !== master.ip || !linkUp) {
        throw new Error(`${pod.name} is ${role} of ${masterHost}, link up: ${linkUp}`);
      } else if (pod.role !== 'replica') {
        throw new Error(`${pod.name} is labelled ${pod.role}`);
      }
    }
    return master;
  }

  /** Exactly one master: labelled, holding the Lease, `role:master`, followed by all others. */
  async oneMaster(size = 3, timeoutMs = 120_000): Promise<GroupPod> {
    return await waitFor(
      `one master of ${size} in ${this.namespace}`,
      async () => await this.findOneMaster(size),
      { timeoutMs, everyMs: 150 },
    );
  }

  /** What the pod's agent says of itself. */
  async state(pod: GroupPod): Promise<AgentReport> {
    const response = await fetch(`http://${pod.ip}:${AGENT_HTTP_PORT}/state`, {
      signal: AbortSignal.timeout(3000),
    });
    return (await response.json()) as AgentReport;
  }
}
