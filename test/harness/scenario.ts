// What every scenario starts with: a control plane of its own file, a group, a writing client that
// follows the label as a Service does, and a probe that writes to every instance.

import type { Test } from 'tap';
import { createAgentAccount } from './agent-account.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { Group, type GroupOptions } from './group.ts';
import { groupPicture, oneMaster } from './one-master.ts';
import { openPodNetwork, type PodPlaces } from './pod-network.ts';
import type { Pod } from './pod.ts';
import { redisVersion } from './redis-server.ts';
import { record } from './results.ts';
import { ServiceRoute } from './service-route.ts';
import { waitFor } from './wait-for.ts';
import { Workspace } from './workspace.ts';
import { WriteProbe } from './write-probe.ts';
import { Writer } from './writer.ts';

export type Stage = {
  readonly controlPlane: ControlPlane;
  readonly workspace: Workspace;
  readonly network: PodPlaces;
};

/** Writes acknowledged so shortly before a fault may not have reached a replica. */
export const UNREPLICATED_MS = 200;

let namespaces = 0;

/** Once per test file; ends with it. */
export async function openStage(t: Test): Promise<Stage> {
  const workspace = new Workspace();
  t.teardown(async () => await workspace.close());
  const network = await openPodNetwork(workspace);
  const controlPlane = await startControlPlane(workspace, { address: network.apiAddress });
  return { controlPlane, workspace, network };
}

/** A group without pods in a namespace of its own. Its pods end with the test. */
export async function emptyGroup(
  t: Test,
  stage: Stage,
  options: GroupOptions = {},
): Promise<Group> {
  const namespace = `test-${++namespaces}`;
  const account = await createAgentAccount(stage.controlPlane, namespace);
  const group = new Group(stage.controlPlane, account, stage.network, options);
  t.teardown(async () => {
    if (!t.passing()) {
      t.comment(await groupPicture(group));
      for (const pod of group.pods) t.comment(`${pod.name}'s agent:\n${pod.story()}`);
    }
    await Promise.all(group.pods.map(async (pod) => await pod.powerOff()));
  });
  return group;
}

export class Scenario {
  readonly group: Group;
  readonly route: ServiceRoute;
  readonly writer: Writer;
  readonly probe: WriteProbe;
  private readonly t: Test;
  private readonly firstTerm: number;
  private isOver = false;
  private recoveryMs: number | undefined;

  constructor(t: Test, group: Group, firstTerm: number) {
    this.t = t;
    this.group = group;
    this.firstTerm = firstTerm;
    this.route = new ServiceRoute(group);
    this.writer = new Writer({ access: group.access, route: () => this.route.pick() });
    this.probe = new WriteProbe(group);
    t.teardown(async () => await this.stop());
  }

  private async stop(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    await Promise.all([this.writer.stop(), this.probe.stop(), this.route.stop()]);
  }

  /** Waits for acknowledged writes, so that a fault meets a client that is busy. */
  async busy(): Promise<void> {
    const target = this.writer.ledger.length + 300;
    await waitFor('the writer is busy', () => this.writer.ledger.length >= target, {
      timeoutMs: 10_000,
      picture: () => JSON.stringify([...this.writer.errors]),
    });
  }

  /**
   * Time from `markMs` to the first write acknowledged by another instance than `notBy`, recorded
   * in the test's output.
   */
  async recovery(what: string, markMs: number, timeoutMs: number, notBy?: Pod): Promise<number> {
    const first = await this.writer.firstAfter(markMs, timeoutMs, notBy?.ip);
    const recoveryMs = first.atMs - markMs;
    this.recoveryMs = Math.max(this.recoveryMs ?? 0, recoveryMs);
    this.t.comment(`${what}: ${recoveryMs.toFixed(0)} ms to the first acknowledged write`);
    return recoveryMs;
  }

  /**
   * Ends the clients and compares the ledger with the data of the master. Where nothing is promised
   * the number lost is printed, and it must be a suffix: nothing from before `mayLoseAfterMs`.
   */
  async end(
    master: Pod,
    options: { readonly mayLoseAfterMs?: number; readonly mayOverlap?: boolean } = {},
  ): Promise<void> {
    await this.stop();
    const { length } = this.writer.ledger;
    const lost = await this.writer.lost(master.ip);
    const version = redisVersion(this.group.redisProgram);
    this.t.comment(`lost ${lost.length} of ${length} acknowledged writes; Redis ${version}`);
    record(this.t.name, {
      ...(this.recoveryMs === undefined ? {} : { recoveryMs: Math.round(this.recoveryMs) }),
      lost: lost.length,
      acknowledged: length,
    });
    if (options.mayLoseAfterMs === undefined) {
      this.t.equal(lost.length, 0, 'no acknowledged write is lost');
    } else {
      const { mayLoseAfterMs } = options;
      const [first] = lost;
      if (first !== undefined) {
        const ageMs = (mayLoseAfterMs - first.sentMs).toFixed(0);
        this.t.comment(`the oldest lost one was written ${ageMs} ms before the allowed time`);
      }
      const early = lost.filter((each) => each.sentMs < mayLoseAfterMs);
      this.t.equal(early.length, 0, 'nothing is lost that was acknowledged well before the fault');
    }
    const term = (await this.group.lease())?.term ?? 0;
    const reigns = this.probe.reigns();
    const changes = term - this.firstTerm;
    const story = reigns.map((each) => each.pod).join(' → ');
    this.t.comment(`writes were acknowledged by ${story}; the term grew by ${changes}`);
    if (options.mayOverlap !== true) {
      this.t.ok(reigns.length <= changes + 1, 'at no time two instances acknowledged writes');
    }
  }

  /** The role did not change hands since the scenario began. */
  async unchanged(master: Pod): Promise<void> {
    const lease = await this.group.lease();
    this.t.equal(lease?.podName, master.name, 'the same pod holds the Lease');
    this.t.equal(lease?.term, this.firstTerm, 'the term is the same');
  }
}

/** A group in sync with one master and busy clients. */
export async function startScenario(
  t: Test,
  stage: Stage,
  options: GroupOptions & { readonly size?: number } = {},
): Promise<{ scenario: Scenario; group: Group; master: Pod }> {
  const group = await emptyGroup(t, stage, options);
  await group.scaleUp(options.size ?? 3);
  const master = await oneMaster(group, { timeoutMs: 30_000 });
  const scenario = new Scenario(t, group, (await group.lease())?.term ?? 0);
  await scenario.busy();
  return { scenario, group, master };
}
