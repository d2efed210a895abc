// Our group under test: real agents and a real API server, as in the chaos tests.

import { createAgentAccount } from '../harness/agent-account.ts';
import { imageEnv, imageFlags } from '../harness/agent-program.ts';
import type { Container } from '../harness/container.ts';
import { type ControlPlane, startControlPlane } from '../harness/control-plane.ts';
import { openLoopback, openPodNetwork } from '../harness/pod-network.ts';
import { Group } from '../harness/group.ts';
import { inCluster } from '../harness/in-cluster.ts';
import { groupPicture, oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Workspace } from '../harness/workspace.ts';
import { strike } from './strike.ts';
import { COMMON_REDIS_ARGS, type FaultName, type PlannedSystem, SIZE } from './system.ts';

const HEALTHY_TIMEOUT_MS = 120_000;
/** A new master and its replicas are watched closely for three seconds: no round begins in them. */
const CALM_MS = 3500;
/** The kubelet looks once a second: half of that on average. */
const NOTICE_MS = 500;

export type OurOptions = {
  readonly agentEnv?: Readonly<Record<string, string>>;
  /**
   * Pods with a network of their own, which the API server reaches as people do, and agents that find their
   * credentials in the pod: as on a cluster. It needs root on Linux. Else all share loopback, as Sentinel's do.
   */
  readonly asOnCluster?: boolean;
};

export class OurGroup implements PlannedSystem {
  readonly name = 'ours';
  readonly group: Group;
  readonly controlPlane: ControlPlane;
  private readonly workspace: Workspace;
  private readonly down: Container[] = [];
  private deleted: string | undefined;
  private healthySince = { master: '', term: -1, atMs: 0 };

  private constructor(controlPlane: ControlPlane, group: Group) {
    this.controlPlane = controlPlane;
    this.workspace = controlPlane.workspace;
    this.group = group;
  }

  static async open({ agentEnv, asOnCluster = false }: OurOptions = {}): Promise<OurGroup> {
    const workspace = new Workspace();
    try {
      const network = await (asOnCluster ? openPodNetwork : openLoopback)(workspace);
      if (asOnCluster && network.whyNoLinks !== undefined) throw new Error(network.whyNoLinks);
      const controlPlane = await startControlPlane(workspace, {
        fsync: true,
        address: network.apiAddress,
      });
      const account = await createAgentAccount(controlPlane, 'bench');
      const cluster = asOnCluster ? inCluster(workspace, account, network) : undefined;
      const group = new Group(controlPlane, account, cluster?.places ?? network, {
        persistence: 'none',
        redisArgs: COMMON_REDIS_ARGS,
        agentEnv: { ...(asOnCluster ? imageEnv() : {}), ...cluster?.env, ...agentEnv },
        noticeMs: NOTICE_MS,
        node: { program: process.execPath, flags: imageFlags() },
      });
      await group.scaleUp(SIZE);
      return new OurGroup(controlPlane, group);
    } catch (error) {
      await workspace.close();
      throw error;
    }
  }

  get access() {
    return this.group.access;
  }

  addresses(): readonly string[] {
    return this.group.pods.map(({ ip }) => ip);
  }

  pod(address: string): Pod {
    const found = this.group.pods.find(({ ip }) => ip === address);
    if (found === undefined) throw new Error(`no pod has the address ${address}`);
    return found;
  }

  async healthy(): Promise<string> {
    if (this.deleted !== undefined) {
      await this.group.create(this.deleted);
      this.deleted = undefined;
    }
    return await waitFor('our group is wholly healthy', async () => await this.calmMaster(), {
      timeoutMs: HEALTHY_TIMEOUT_MS,
      everyMs: 100,
      picture: async () => await groupPicture(this.group),
    });
  }

  /** The master, once nothing has changed for a while and every replica is in sync. */
  private async calmMaster(): Promise<string | undefined> {
    const master = await oneMaster(this.group, { timeoutMs: 0 });
    const states = await Promise.all(this.group.pods.map(async (pod) => await pod.state()));
    const term = Math.max(...states.map((state) => state.term));
    const isWhole = states.every(({ isMaster, inSync }) => isMaster || inSync);
    const before = this.healthySince;
    if (!isWhole || before.master !== master.ip || before.term !== term) {
      this.healthySince = { master: isWhole ? master.ip : '', term, atMs: performance.now() };
      return undefined;
    }
    return performance.now() - before.atMs >= CALM_MS ? master.ip : undefined;
  }

  inject(fault: FaultName, master: string): void {
    const { redis, agent: beside } = this.pod(master);
    this.down.push(...strike(fault, { redis, beside }));
  }

  heal(): void {
    this.healthySince = { master: '', term: -1, atMs: 0 };
    for (const container of this.down.splice(0)) {
      container.signal('SIGCONT');
      container.release();
    }
  }

  async switchOver(master: string): Promise<void> {
    const pod = this.pod(master);
    this.deleted = pod.name;
    await pod.delete();
    this.group.forget(pod);
    this.healthySince = { master: '', term: -1, atMs: 0 };
  }

  async close(): Promise<void> {
    await this.workspace.close();
  }
}
