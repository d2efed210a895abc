// A rolling restart by which a group without agents gets them: from the highest ordinal down, each pod is
// deleted once the one before is ready.

import type { AgentWorld } from './agent.ts';
import type { SimCluster, SimPod } from './cluster.ts';

const LOOK_MS = 100;
const RECREATE_MS = 100;

/** As the kubelet asks its agent. */
function isReady({ agent, redis }: SimPod): boolean {
  if (redis === null || agent === null) return false;
  return agent.process.isRunning && agent.runtime.unreadiness() === null;
}

export class Rollout {
  readonly #world: AgentWorld['world'];
  readonly #cluster: SimCluster;
  #next: number;

  constructor(world: AgentWorld['world'], cluster: SimCluster, members: number) {
    this.#world = world;
    this.#cluster = cluster;
    this.#next = members - 1;
    this.#look();
  }

  get isDone(): boolean {
    return this.#next < 0;
  }

  #look(): void {
    const pod = this.#cluster.current(this.#next);
    if (pod?.isManaged === false) this.#cluster.deletePod(pod, RECREATE_MS);
    else if (pod !== null && isReady(pod)) this.#next--;
    if (!this.isDone) this.#world.after(LOOK_MS, () => this.#look());
  }
}
