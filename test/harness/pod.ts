// One pod without a kubelet: a real Pod object, a real Redis and a real agent as processes, and the
// kubelet's part in between (status, restarts, preStop, signals, removal). It says so itself: the
// node is called "stand-in".

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { request } from 'undici';
import type { State } from '../../src/state.ts';
import { agentProgram } from './agent-program.ts';
import type { ApiProxy } from './api-proxy.ts';
import { Container } from './container.ts';
import { AGENT_PORT } from './free-ports.ts';
import { KubeError, type KubeClient } from './kube-client.ts';
import type { PodLink } from './pod-link.ts';
import type { PodPlace } from './pod-network.ts';
import { type PodShape, podObject, podStatus } from './pod-object.ts';
import { type RedisAccess, type ReplicationInfo, replicationInfo } from './redis-client.ts';
import { type RedisOptions, startRedis } from './redis-server.ts';
import type { Workspace } from './workspace.ts';

export type PodPlan = {
  readonly workspace: Workspace;
  readonly admin: KubeClient;
  readonly namespace: string;
  readonly kubeconfig: string;
  readonly api: ApiProxy | undefined;
  readonly place: PodPlace;
  readonly shape: PodShape;
  readonly redis: Omit<RedisOptions, 'directory'>;
  readonly access: RedisAccess;
  readonly volume: string;
  readonly agentEnv: Readonly<Record<string, string>>;
  readonly node: { readonly program: string; readonly flags: readonly string[] };
  readonly restartDelayMs: number;
  readonly noticeMs: number;
};

/** What a deletion took: each figure in milliseconds. */
export type Deletion = { readonly preStopMs: number; readonly wholeMs: number };

let incarnations = 0;

export class Pod {
  readonly name: string;
  readonly ip: string;
  readonly uid: string;
  readonly redis: Container;
  readonly access: RedisAccess;
  private readonly plan: PodPlan;
  private readonly startedAt = new Date().toISOString();
  private readonly incarnation = ++incarnations;
  /** Another agent program than the usual one, from its next start on. */
  program: string | undefined;
  private agentContainer: Container | undefined;
  private isGone = false;
  private isDark = false;
  private isOff = false;
  private isDisrupted = false;
  private reporting: Promise<void> | undefined;
  private isDirty = false;

  private constructor(plan: PodPlan, uid: string) {
    this.plan = plan;
    this.name = plan.shape.name;
    this.ip = plan.redis.address;
    this.uid = uid;
    this.access = plan.access;
    this.redis = new Container('redis', plan.restartDelayMs, () => this.launchRedis(), this.notice);
    plan.workspace.atEnd(() => {
      this.isGone = true;
      this.redis.noMoreRestarts();
      this.agentContainer?.noMoreRestarts();
    });
  }

  /** Creates the object and starts Redis; the agent as well, unless the caller does that later. */
  static async start(plan: PodPlan, options: { agent?: boolean } = {}): Promise<Pod> {
    const pods = `/api/v1/namespaces/${plan.namespace}/pods`;
    const created = await plan.admin.create<V1Pod>(pods, podObject(plan.shape));
    const pod = new Pod(plan, created.metadata?.uid ?? '');
    if (plan.shape.managed && options.agent !== false) pod.startAgent();
    pod.report();
    await pod.reporting;
    return pod;
  }

  get path(): string {
    return `/api/v1/namespaces/${this.plan.namespace}/pods/${this.name}`;
  }

  get agent(): Container {
    if (this.agentContainer === undefined) throw new Error(`${this.name} has no agent`);
    return this.agentContainer;
  }

  get hasAgent(): boolean {
    return this.agentContainer !== undefined;
  }

  /** Between its agent and the API server; only where the group was started with proxies. */
  get api(): ApiProxy {
    const { api } = this.plan;
    if (api === undefined) throw new Error('the group has no proxies');
    return api;
  }

  /** `env`: changes to the agent's environment, for this container. */
  startAgent(env: Readonly<Record<string, string>> = {}): void {
    const delay = this.plan.restartDelayMs;
    this.agentContainer = new Container('agent', delay, () => this.launchAgent(env), this.notice);
    this.report();
  }

  private launchRedis() {
    const { workspace, redis, volume } = this.plan;
    mkdirSync(volume, { recursive: true });
    return startRedis(workspace, `${this.name}-${this.incarnation}-redis`, {
      ...redis,
      directory: volume,
    });
  }

  private launchAgent(changes: Readonly<Record<string, string>>) {
    const { workspace, shape, namespace, kubeconfig, redis, agentEnv } = this.plan;
    const env = {
      POD_NAME: this.name,
      POD_NAMESPACE: namespace,
      POD_IP: this.ip,
      POD_UID: this.uid,
      KUBECONFIG: kubeconfig,
      RO_GROUP: shape.group,
      RO_REDIS_HOST: this.ip,
      RO_HTTP_HOST: this.ip,
      RO_BOOT_FENCE: String(this.plan.redis.bootFence === true),
      RO_SHUTDOWN_GRACE: `${shape.graceSeconds}s`,
      RO_LOG_LEVEL: process.env['RO_TEST_LOG_LEVEL'] ?? 'info',
      ...(redis.password === undefined ? {} : { REDIS_PASSWORD: redis.password }),
      ...agentEnv,
      ...changes,
    };
    const name = `${this.name}-${this.incarnation}-agent`;
    const { place, node } = this.plan;
    const args = [...node.flags, this.program ?? agentProgram()];
    return workspace.start(name, node.program, args, { env, enter: place.enter });
  }

  private readonly notice = (): void => {
    const { noticeMs } = this.plan;
    if (noticeMs === 0) this.report();
    else setTimeout(this.report, noticeMs).unref();
  };

  /** Writes the status as a kubelet does: later, and again until the API server has it. */
  private readonly report = (): void => {
    this.isDirty = true;
    this.reporting ??= this.reportAll().finally(() => {
      this.reporting = undefined;
    });
  };

  private async reportAll(): Promise<void> {
    while (this.isDirty && !this.isGone && !this.isDark) {
      this.isDirty = false;
      const status = podStatus({
        ip: this.ip,
        startedAt: this.startedAt,
        nativeSidecar: this.plan.shape.nativeSidecar,
        redis: this.redis.state,
        agent: this.agentContainer?.state,
        isDisrupted: this.isDisrupted,
      });
      const metadata = { uid: this.uid };
      try {
        await this.plan.admin.patch(`${this.path}/status`, { metadata, status });
      } catch (error) {
        // 404 and 409: the object is gone, or a new one has its name.
        if (error instanceof KubeError && [404, 409].includes(error.status)) return;
        this.isDirty = true;
        await pause(200);
      }
    }
  }

  async state(): Promise<State> {
    const url = `http://${this.ip}:${AGENT_PORT}/state`;
    const answer = await request(url, { headersTimeout: 1000, bodyTimeout: 1000 });
    return (await answer.body.json()) as State;
  }

  /** The value of one series of the agent, without labels of its own. */
  async metric(name: string): Promise<number> {
    const url = `http://${this.ip}:${AGENT_PORT}/metrics`;
    const answer = await request(url, { headersTimeout: 1000, bodyTimeout: 1000 });
    const text = await answer.body.text();
    const value = new RegExp(`^redis_orchestrator_${name}\\{group="[^"]*"\\} (\\S+)$`, 'm').exec(
      text,
    );
    if (value === null) throw new Error(`${this.name} has no metric ${name}:\n${text}`);
    return Number(value[1]);
  }

  async replication(): Promise<ReplicationInfo> {
    return await replicationInfo(this.ip, this.access);
  }

  /** What the readiness probe of the agent would find. */
  async isReady(): Promise<boolean> {
    const url = `http://${this.ip}:${AGENT_PORT}/ready`;
    const answer = await request(url, { headersTimeout: 1000, bodyTimeout: 1000 });
    await answer.body.dump();
    return answer.statusCode === 200;
  }

  /**
   * Says that the pod is about to be removed, as an eviction, a preemption or a taint does; no more.
   * Kubernetes takes it back where no deletion came within two minutes.
   */
  async announceDisruption(isDisrupted = true): Promise<void> {
    this.isDisrupted = isDisrupted;
    this.report();
    await this.reporting;
  }

  /** A graceful deletion, step by step as the kubelet does it. */
  async delete(): Promise<Deletion> {
    const started = performance.now();
    const graceMs = this.plan.shape.graceSeconds * 1000;
    await this.plan.admin.delete(this.path, { preconditions: { uid: this.uid } });
    this.redis.noMoreRestarts();
    this.agentContainer?.noMoreRestarts();
    const remaining = (): number => Math.max(0, started + graceMs - performance.now());
    // A native sidecar outlives the main containers; a plain one is told to end with them.
    const plainAgent = this.plan.shape.nativeSidecar ? undefined : this.agentContainer;
    const agentEnd = plainAgent?.stop(graceMs);
    if (this.hasAgent && this.plan.shape.preStop) await this.callPreStop(remaining());
    const preStopMs = performance.now() - started;
    await this.redis.stop(remaining());
    await (agentEnd ?? this.agentContainer?.stop(Math.max(2000, remaining())));
    this.isOff = true;
    await this.plan.place.close();
    await this.remove();
    return { preStopMs, wholeMs: performance.now() - started };
  }

  /** A preStop that fails is only an Event for the kubelet: the deletion goes on. */
  private async callPreStop(timeoutMs: number): Promise<void> {
    const url = `http://${this.ip}:${AGENT_PORT}/prestop`;
    try {
      const answer = await request(url, { headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
      await answer.body.dump();
    } catch {
      // See above.
    }
  }

  /** Grace 0: the object goes at once; the node, told later, kills what runs. */
  async forceDelete(): Promise<void> {
    await this.remove();
    await this.powerOff();
  }

  private async remove(): Promise<void> {
    // A status written while the object is being removed can remove its successor of the same
    // name: the API server's update finishes the deletion by name.
    this.isGone = true;
    await this.reporting;
    await this.plan.admin.delete(this.path, {
      gracePeriodSeconds: 0,
      preconditions: { uid: this.uid },
    });
  }

  /** The node is gone for good: nothing is sent any more, not even a refusal; the object stays. */
  async powerOff(): Promise<void> {
    if (this.isOff) return;
    this.isOff = true;
    this.isGone = true;
    await this.plan.place.link?.unplug();
    await Promise.all([this.redis.stop(0, 'SIGKILL'), this.agentContainer?.stop(0, 'SIGKILL')]);
    await this.plan.place.close();
  }

  /** The node is without power until `powerOn`: as powerOff, but the pod keeps its place. */
  async powerCut(): Promise<void> {
    this.isDark = true;
    await this.link.unplug();
    for (const each of [this.redis, this.agentContainer]) {
      each?.hold();
      await each?.process.kill();
    }
  }

  /** The node is back and starts its containers again, Redis at once and the agent after it. */
  async powerOn(agentDelayMs = 0): Promise<void> {
    await this.link.plug();
    this.isDark = false;
    this.redis.release();
    await pause(agentDelayMs);
    this.agentContainer?.release();
  }

  /** The pod's cable; only where links can be cut. */
  get link(): PodLink {
    const { link } = this.plan.place;
    if (link === undefined) throw new Error('no link can be cut here');
    return link;
  }

  /** The agent's log without lines that repeat the message of the one before. */
  story(): string {
    const lines = this.logTail(100_000).split('\n');
    const message = (line: string | undefined): string | undefined =>
      line === undefined ? undefined : /"(detail|msg)":.*/.exec(line)?.[0];
    return lines
      .filter((line, index) => index === 0 || message(line) !== message(lines[index - 1]))
      .slice(-60)
      .join('\n');
  }

  /** The agent's last log lines, for a failure's message. */
  logTail(lines?: number): string {
    return this.agentContainer?.process.tail(lines) ?? '(no agent)';
  }
}

/** Where a claim's data live, whatever pod has it mounted. */
export function volumePath(workspace: Workspace, namespace: string, claim: string): string {
  return join(workspace.directory, 'volumes', namespace, claim);
}
