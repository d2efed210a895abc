// --isolation: a master that was isolated once acknowledges nothing as soon as no replica has acknowledged
// for three seconds, whoever is dead or cut off.

import { isManaged } from '../../agent/core/view.ts';
import type { SimPod } from './cluster.ts';
import { ISOLATED_LAG_SECONDS, type RedisProcess } from './redis/process.ts';

/** Redis counts in whole seconds, looks once a second, and a lag of one second is good. */
const BITES_SECONDS = 3;
/** Of two, nobody is isolated (agent/core/isolation.ts). */
export const ISOLATED_MEMBERS_MIN = 3;

type Isolated = { readonly agentId: string; readonly term: number | null };

export class IsolationCheck {
  readonly #isolated = new Map<RedisProcess, Isolated>();

  lagSet({ redis, agent, term }: SimPod, seconds: number): void {
    if (redis === null || agent === null) return;
    const { self } = agent.state.config;
    const before = this.#isolated.get(redis);
    if (seconds === ISOLATED_LAG_SECONDS) {
      this.#isolated.set(redis, { agentId: self.agentId, term });
      return;
    }
    if (before === undefined) return;
    // Each promotion, and each agent, begins without it (ADR 13); and a group may be too small for it.
    const isNew = before.agentId !== self.agentId || before.term !== term;
    const members = (agent.state.pods ?? []).filter((pod) => isManaged(agent.state, pod));
    if (isNew || members.length < ISOLATED_MEMBERS_MIN) this.#isolated.delete(redis);
  }

  /** What it accepts now is acknowledged by a master that should have stopped, though it is alone. */
  isBroken({ redis }: SimPod, now: number): boolean {
    if (redis === null || !this.#isolated.has(redis)) return false;
    return Math.floor(now / 1000) >= redis.lastAckedSeconds + BITES_SECONDS;
  }
}
