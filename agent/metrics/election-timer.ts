// How long nobody could write at a change of master, by the steps of the core.

import type { Promotion } from '../../src/group-facts.ts';
import { goalOf } from '../core/goal.ts';
import type { AgentState } from '../core/model.ts';
import { leaseOf } from '../core/view.ts';
import { electionKind, isResumed } from './counts.ts';

export class ElectionTimer {
  /** When the election began in which this agent takes part, and when its goal was told. */
  #electionAt: number | null = null;
  #goalAt: number | null = null;
  #last: Promotion | null = null;

  /** When this pod became master last; null: never by this agent. */
  get last(): Promotion | null {
    return this.#last;
  }

  /** The promotion that this step completed, or null; the pause is null where its beginning was not seen. */
  observe(before: AgentState, after: AgentState): Promotion | null {
    const isAtRest =
      after.phase === 'Following' || after.phase === 'Fenced' || after.phase === 'Boot';
    if (isAtRest) [this.#electionAt, this.#goalAt] = [null, null];
    else if (after.phase !== 'Leading') {
      this.#electionAt ??= after.now;
      if (goalOf(after) !== null) this.#goalAt ??= after.now;
    }
    if (before.phase !== 'Promoting' || after.phase !== 'Leading') return null;
    if (isResumed(before)) return null;
    const kind = electionKind(before);
    const since = kind === 'planned' ? this.#goalAt : this.#electionAt;
    const pauseMs = since === null ? null : after.now - since;
    this.#last = { term: leaseOf(after)?.term ?? 0, kind, pauseMs };
    [this.#electionAt, this.#goalAt] = [null, null];
    return this.#last;
  }
}
