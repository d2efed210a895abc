// A group of pods as a StatefulSet would keep it: ordinals, one claim per ordinal that outlives the
// pod, and a new address and UID for every new pod. The test says when each thing happens.

import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { V1Pod, V1StatefulSet } from '@kubernetes/client-node';
import {
  leaseName,
  PAUSE_ANNOTATION,
  REQUEST_ANNOTATION,
  requestLeaseName,
  ROLE_LABEL,
} from '../../src/names.ts';
import type { AgentAccount } from './agent-account.ts';
import { ApiProxy } from './api-proxy.ts';
import type { ControlPlane } from './control-plane.ts';
import type { KubeClient, KubeList } from './kube-client.ts';
import type { PodPlace, PodPlaces } from './pod-network.ts';
import { Pod, type PodPlan, volumePath } from './pod.ts';
import { statefulSetObject } from './pod-object.ts';
import type { RedisAccess } from './redis-client.ts';
import { type RedisOptions, redisServerProgram } from './redis-server.ts';

export type GroupOptions = {
  readonly name?: string;
  readonly persistence?: RedisOptions['persistence'];
  readonly password?: string;
  readonly tls?: RedisOptions['tls'];
  readonly redisArgs?: readonly string[];
  /** Which redis-server; else the one that RO_REDIS_SERVER or PATH names. */
  readonly program?: string;
  /** How clients get in; by default with the group's password and TLS, as the agents do. */
  readonly clients?: RedisAccess;
  readonly bootFence?: boolean;
  readonly preStop?: boolean;
  readonly nativeSidecar?: boolean;
  readonly graceSeconds?: number;
  /** False: data end with the pod. */
  readonly volumes?: boolean;
  readonly restartDelayMs?: number;
  /** After so long the kubelet notices that a container ended or started: it looks once a second. */
  readonly noticeMs?: number;
  readonly agentEnv?: Readonly<Record<string, string>>;
  /** Of the agent of the pod of this name. */
  readonly redisEnvOf?: (name: string) => Readonly<Record<string, string>>;
  readonly agentEnvOf?: (name: string) => Readonly<Record<string, string>>;
  /** The agent's node and what it is told before the program; by default this process's. */
  readonly node?: PodPlan['node'];
  /** A proxy between each agent and the API server. */
  readonly apiProxy?: boolean;
};

export type PodOptions = {
  /** False: a pod from before the injection, as a plain StatefulSet makes it. */
  readonly managed?: boolean;
  /** False: the agent is started later, by the test. */
  readonly agent?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  /** Where it runs; by default at a new address. */
  readonly place?: PodPlace;
};

type RawLease = {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly holderIdentity?: string; readonly leaseTransitions?: number };
};

let requests = 0;

export class Group {
  readonly name: string;
  readonly account: AgentAccount;
  readonly admin: KubeClient;
  readonly access: RedisAccess;
  private readonly controlPlane: ControlPlane;
  private readonly network: PodPlaces;
  private readonly options: GroupOptions;
  private readonly byName = new Map<string, Pod>();
  private owner: Promise<{ name: string; uid: string }> | undefined;

  constructor(
    controlPlane: ControlPlane,
    account: AgentAccount,
    network: PodPlaces,
    options: GroupOptions,
  ) {
    this.controlPlane = controlPlane;
    this.account = account;
    this.network = network;
    this.options = options;
    this.name = options.name ?? 'redis';
    this.admin = controlPlane.admin;
    this.access = options.clients ?? {
      ...(options.password === undefined ? {} : { password: options.password }),
      ...(options.tls === undefined ? {} : { tls: true }),
    };
  }

  get redisProgram(): string {
    return this.options.program ?? redisServerProgram();
  }

  get pods(): readonly Pod[] {
    return [...this.byName.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  pod(name: string): Pod {
    const found = this.byName.get(name);
    if (found === undefined) throw new Error(`there is no pod ${name}`);
    return found;
  }

  others(pod: Pod): readonly Pod[] {
    return this.pods.filter((each) => each !== pod);
  }

  podName(ordinal: number): string {
    return `${this.name}-${ordinal}`;
  }

  /** Creates missing pods up to `size`, all at once. */
  async scaleUp(size: number, options: PodOptions = {}): Promise<void> {
    const names = Array.from({ length: size }, (_, ordinal) => this.podName(ordinal));
    const missing = names.filter((name) => !this.byName.has(name));
    await Promise.all(missing.map(async (name) => await this.create(name, options)));
  }

  async create(name: string, options: PodOptions = {}): Promise<Pod> {
    const {
      volumes = true,
      graceSeconds = 30,
      preStop = true,
      nativeSidecar = true,
    } = this.options;
    const { workspace } = this.controlPlane;
    this.owner ??= this.createOwner();
    const claim = volumes ? `data-${name}` : undefined;
    if (claim !== undefined) await this.ensureClaim(claim);
    const managed = options.managed ?? true;
    const place = options.place ?? (await this.network.place());
    const api =
      this.options.apiProxy === true
        ? await ApiProxy.start(this.controlPlane, this.account)
        : undefined;
    const scratch = join('scratch', `${name}-${randomBytes(4).toString('hex')}`);
    const pod = await Pod.start(
      {
        workspace,
        admin: this.admin,
        namespace: this.account.namespace,
        kubeconfig: api?.kubeconfig ?? this.account.kubeconfig,
        api,
        place,
        shape: {
          name,
          group: this.name,
          claim,
          managed,
          preStop,
          nativeSidecar,
          graceSeconds,
          labels: options.labels ?? {},
          owner: await this.owner,
        },
        redis: {
          address: place.address,
          enter: place.enter,
          persistence: this.options.persistence ?? 'rdb',
          bootFence: managed && (this.options.bootFence ?? true),
          args: this.options.redisArgs ?? [],
          program: this.redisProgram,
          env: this.options.redisEnvOf?.(name) ?? {},
          ...(this.options.password === undefined ? {} : { password: this.options.password }),
          ...(this.options.tls === undefined ? {} : { tls: this.options.tls }),
        },
        access: this.access,
        volume: claim === undefined ? workspace.folder(scratch) : this.volume(claim),
        agentEnv: {
          ...(this.options.tls === undefined
            ? {}
            : { RO_REDIS_TLS: 'true', RO_REDIS_TLS_CA: this.options.tls.ca }),
          ...this.options.agentEnv,
          ...this.options.agentEnvOf?.(name),
        },
        node: this.options.node ?? { program: process.execPath, flags: [] },
        restartDelayMs: this.options.restartDelayMs ?? 1000,
        noticeMs: this.options.noticeMs ?? 0,
      },
      { agent: options.agent ?? true },
    );
    this.byName.set(name, pod);
    return pod;
  }

  private async createOwner(): Promise<{ name: string; uid: string }> {
    const path = `/apis/apps/v1/namespaces/${this.account.namespace}/statefulsets`;
    const created = await this.admin.create<V1StatefulSet>(path, statefulSetObject(this.name));
    return { name: this.name, uid: created.metadata?.uid ?? '' };
  }

  /** Directory of a claim's data; it need not have a pod yet. */
  volume(claim: string): string {
    const path = volumePath(this.controlPlane.workspace, this.account.namespace, claim);
    mkdirSync(path, { recursive: true });
    return path;
  }

  private async ensureClaim(claim: string): Promise<void> {
    const claims = `/api/v1/namespaces/${this.account.namespace}/persistentvolumeclaims`;
    if ((await this.admin.find(`${claims}/${claim}`)) !== undefined) return;
    await this.admin.create(claims, {
      metadata: { name: claim },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
  }

  /** The claim and its data go; the next pod of that name gets an empty one. */
  async deleteVolume(name: string): Promise<void> {
    const claim = `data-${name}`;
    const path = `/api/v1/namespaces/${this.account.namespace}/persistentvolumeclaims/${claim}`;
    // No controller runs that would take the protection off.
    await this.admin.patch(path, { metadata: { finalizers: null } });
    await this.admin.delete(path);
    rmSync(this.volume(claim), { recursive: true, force: true });
  }

  /** The data in the volume go while Redis is down: a container without persistence. */
  clearVolume(name: string): void {
    rmSync(this.volume(`data-${name}`), { recursive: true, force: true });
  }

  /** Takes a pod that has ended off the group's list. */
  forget(pod: Pod): void {
    this.byName.delete(pod.name);
  }

  async podObjects(): Promise<V1Pod[]> {
    const path = `/api/v1/namespaces/${this.account.namespace}/pods?labelSelector=app%3Dredis`;
    return (await this.admin.get<KubeList<V1Pod>>(path)).items;
  }

  /** Role label of each pod object, by name. */
  async labels(): Promise<Map<string, string | undefined>> {
    const objects = await this.podObjects();
    return new Map(
      objects.map((each) => [each.metadata?.name ?? '', each.metadata?.labels?.[ROLE_LABEL]]),
    );
  }

  private get leasesPath(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.account.namespace}/leases`;
  }

  get leasePath(): string {
    return `${this.leasesPath}/${leaseName(this.name)}`;
  }

  /** Asks for a switchover, as a person does; returns the request's id. */
  async requestSwitchover(target: Pod): Promise<string> {
    const id = `request-${++requests}`;
    const request = {
      id,
      operation: 'switchover',
      target: target.name,
      term: (await this.lease())?.term ?? 0,
      expires: new Date(Date.now() + 10_000).toISOString(),
      by: 'the test',
    };
    await this.writeRequest(JSON.stringify(request));
    return id;
  }

  /** Whatever stands in the annotation, also what no agent can read. */
  async writeRequest(text: string): Promise<void> {
    await this.ask({ [REQUEST_ANNOTATION]: text });
  }

  /** Nobody takes over from a master that fails, until `resume`, or for so long. */
  async pauseFailover(seconds: number): Promise<void> {
    const expires = new Date(Date.now() + seconds * 1000).toISOString();
    const pause = { by: 'the test', reason: 'to see it', expires };
    await this.ask({ [PAUSE_ANNOTATION]: JSON.stringify(pause) });
  }

  async resumeFailover(): Promise<void> {
    await this.ask({});
  }

  private async ask(annotations: Readonly<Record<string, string>>): Promise<void> {
    const name = requestLeaseName(this.name);
    const path = `${this.leasesPath}/${name}`;
    if ((await this.admin.find(path)) !== undefined) await this.admin.delete(path);
    await this.admin.create(this.leasesPath, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, annotations },
    });
  }

  async lease(): Promise<{ podName: string; podUid: string; term: number } | undefined> {
    const found = await this.admin.find<RawLease>(this.leasePath);
    if (found === undefined) return undefined;
    const [podName = '', podUid = ''] = (found.spec.holderIdentity ?? '').split('_');
    return { podName, podUid, term: found.spec.leaseTransitions ?? 0 };
  }
}
