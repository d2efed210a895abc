// One step under construction: a copy of the state that the rows change, and the effects that
// they ask for. At most one Redis role command and one Lease write are under way at a time.

import type { Phase } from '../../src/wire.ts';
import { attachmentTo } from './attachment.ts';
import { spread, jitterOf } from './jitter.ts';
import { lastOpening } from './lineage.ts';
import { lossAfter } from './loss.ts';
import type {
  AgentState,
  Effect,
  GroupRecord,
  Holder,
  Instance,
  LeaseWrite,
  RoleCommand,
  StepResult,
  TermEntry,
} from './model.ts';
import { briefly, detailsOf } from './term-details.ts';
import { leaseOf, recordOf } from './view.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const HISTORY_MAX = 20;
/** Of a reason in the history: it may name pods or repeat what Redis said. */
const REASON_MAX = 200;
/** A failed role command is repeated after so long: an answer at once must not become a loop. */
const REDIS_REPEAT_MS = 20;
/** One that Redis itself refuses doubles it so often: one that would be let through later is not to be late. */
const REFUSALS_MAX = 3;

/** A new term begins without goal, comparison or nominee. */
export const UNDECIDED = { goal: null, decided: false, basisMs: null } as const;

/** Who opened writes last stays in the history: an AOF restart of all is decided by it. */
function bounded(history: readonly TermEntry[], { lineage }: GroupRecord): readonly TermEntry[] {
  const recent = history.slice(-HISTORY_MAX);
  const opening = lastOpening({ lineage, history });
  if (opening === undefined || recent.includes(opening)) return recent;
  return [opening, ...recent.slice(1)];
}

/** Who stays in a term may still open writes in it. */
function withoutMark(history: readonly TermEntry[], term: number): readonly TermEntry[] {
  return history.map(({ unopened, ...entry }) =>
    unopened === undefined || entry.term === term ? entry : { ...entry, unopened },
  );
}

export class Turn {
  readonly s: Mutable<AgentState>;
  readonly effects: Effect[] = [];
  #said: string | null = null;

  constructor(state: AgentState) {
    this.s = { ...state };
  }

  result(isNews: boolean): StepResult {
    return { state: this.s, effects: this.effects, reason: this.#said, isNews };
  }

  /** Records why; the same sentence twice in a row is said once. */
  say(reason: string): void {
    if (this.s.reason === reason) return;
    this.s.reason = reason;
    this.#said = reason;
  }

  enter(phase: Phase, reason: string): void {
    if (this.s.phase !== phase) this.begin(phase);
    this.say(reason);
  }

  /** The phase anew, also the one that it is in: all that was waited for in it counts no more. */
  begin(phase: Phase): void {
    this.s.phase = phase;
    this.s.phaseSince = this.s.now;
    this.s.fenced = new Set();
    this.s.fencedInstances = new Map();
    this.s.lockedOut = new Map();
    this.s.fenceAskedAt = -1;
    this.s.stoppedAt = null;
    this.s.switchover = null;
    this.s.drainedTo = null;
    this.s.remoteGoal = null;
    this.s.giverAskedAt = Number.NEGATIVE_INFINITY;
    this.s.maySince = null;
  }

  elapsedMs(): number {
    return this.s.now - this.s.phaseSince;
  }

  /** Asks for limbo; supersedes whatever other role command is under way. */
  limbo(options: { cutClients: boolean }): void {
    if (this.s.pendingRedis?.kind === 'limbo') return;
    if (this.s.now - this.s.redisFailedAt < this.#limboRepeatMs()) return;
    const id = this.#start('limbo');
    this.s.attachment = null;
    this.effects.push({ kind: 'limbo', id, cutClients: options.cutClients });
  }

  #limboRepeatMs(): number {
    const { phase, config, limboRefusals } = this.s;
    // Within F every moment counts.
    const isUrgent = phase === 'Fencing' && this.elapsedMs() < config.timing.fenceMs;
    return isUrgent
      ? REDIS_REPEAT_MS
      : REDIS_REPEAT_MS * 2 ** Math.min(limboRefusals, REFUSALS_MAX);
  }

  attach(host: string, replid: string): void {
    if (this.s.pendingRedis !== null) return;
    const id = this.#start('attach');
    this.s.attachment = attachmentTo(host);
    this.s.lost = lossAfter(this.s);
    this.s.frozenTerm = null;
    this.effects.push({ kind: 'attach', id, host, replid });
  }

  promote(instance: Instance): void {
    const id = this.#start('promote');
    this.s.promotedIn = leaseOf(this.s)?.term ?? 0;
    this.effects.push({ kind: 'promote', id, runId: instance.runId, until: this.s.validUntil });
  }

  /** Also what is open already: with the isolation that it is to have from now on. */
  open({ isolated }: { isolated: boolean } = { isolated: false }): void {
    const id = this.#start('open', isolated);
    this.effects.push({ kind: 'open', id, until: this.s.validUntil, isolated });
  }

  /** No more writes, while replicas go on. */
  guard(): void {
    this.effects.push({ kind: 'guard', id: this.#start('guard') });
  }

  #start(kind: RoleCommand, isolated = false): number {
    const id = this.s.nextId++;
    this.s.pendingRedis = { id, kind, sentAt: this.s.now, isolated };
    return id;
  }

  /** True where a Lease write may be sent now: none under way, and the backoff is over. */
  canWrite(): boolean {
    if (this.s.pendingWrite !== null) return false;
    if (this.s.writeFailures === 0) return true;
    const BACKOFF_MAX_MS = 2000;
    const { writeFailures, config } = this.s;
    const backoffMs = Math.min(BACKOFF_MAX_MS, 50 * 2 ** Math.min(writeFailures, 10));
    const share = jitterOf(config.self.agentId, writeFailures);
    return this.s.now - this.s.writeFailedAt >= spread(backoffMs, share);
  }

  /** Sends a Lease write by compare-and-swap on the version that was judged. */
  writeLease(
    op: LeaseWrite['op'],
    term: number,
    holder: Holder | null,
    changes: Partial<GroupRecord>,
    reason: string,
    request?: string,
  ): void {
    // What an agent writes is of its own protocol, whatever it read.
    const { protocol } = this.s.config;
    const before = recordOf(this.s);
    const answered = this.s.answerToRecord ?? before.answered;
    const record = { ...before, ...changes, protocol, answered };
    const isNewTerm = op !== 'renew' && op !== 'release' && op !== 'recreate';
    const isLeft = isNewTerm || op === 'release';
    const known = isLeft ? record.history : withoutMark(record.history, term);
    const shortReason = reason.slice(0, REASON_MAX);
    const entry = (): TermEntry => ({
      term,
      holder: holder?.pod ?? '',
      reason: shortReason,
      at: '',
      ...(request === undefined ? {} : { request }),
      details: detailsOf(this.s, holder),
    });
    const history = isNewTerm ? briefly(bounded([...known, entry()], record)) : known;
    const write: LeaseWrite = {
      op,
      resourceVersion: leaseOf(this.s)?.resourceVersion ?? '',
      holder,
      term,
      record: { ...record, history },
      reason,
    };
    const id = this.s.nextId++;
    this.s.pendingWrite = { id, sentAt: this.s.now, write };
    if (op === 'transfer' || op === 'release') this.s.unsure = true;
    else {
      const uids = record.candidates.map(({ uid }) => uid);
      this.s.attempted = new Set([...this.s.attempted, ...uids]);
    }
    this.effects.push({ kind: 'write-lease', id, write });
  }

  /** Beside all else: neither a role command nor a Lease write waits for it. */
  kill(runId: string, reason: string): void {
    this.s.killAsked = runId;
    this.say(reason);
    this.effects.push({ kind: 'kill-redis', runId, reason });
  }

  exit(reason: string, code: number): void {
    this.say(reason);
    this.effects.push({ kind: 'exit', code });
  }
}
