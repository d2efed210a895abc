// The invariants of DESIGN 13, checked at every write that is accepted, every promotion, every change
// of the Lease and every full sync, by what is true and not by what anybody believes.

import { goalOf } from '../../agent/core/goal.ts';
import type { AgentState } from '../../agent/core/model.ts';
import { isFrozenIn, leaseOf, localInstance, recordOf, seenTerm } from '../../agent/core/view.ts';
import type { Collection, Stored, StoredLease } from './api-server.ts';
import type { SimCluster, SimPod } from './cluster.ts';
import type { SimNetwork } from './network.ts';
import type { Scheduler } from './ports.ts';
import { type Dataset, idsOf } from './redis/dataset.ts';
import type { RedisProcess } from './redis/process.ts';
import type { Ledger } from './writer.ts';

export type Violation = { readonly invariant: string; readonly at: number; readonly text: string };

type Promotion = {
  readonly term: number;
  readonly at: number;
  readonly pod: SimPod;
  readonly redis: RedisProcess;
};

type Parts = {
  readonly scheduler: Scheduler;
  readonly network: SimNetwork;
  readonly cluster: SimCluster;
  readonly ledger: Ledger;
  readonly hasBootFence: boolean;
  readonly trace: (who: string, text: string) => void;
};

/** How long an agent needs to see what its instance did by somebody else's hand. */
const BY_HAND_MS = 1500;
/** What reached a frozen process before its fence did is still carried out when it thaws. */
const THAW_MS = 400;
/** A dial that was lost is repeated after a second, a fence every 200 ms. */
const FENCE_AGAIN_MS = 1500;
/** A fence that takes longer than the 200 ms before a promotion comes after it. */
const SLOW_MS = 50;
/** Streams and links are there again so long after a cut. */
const RECONNECTED_MS = 2000;
/** Less than the 300 ms for which live peers are waited for. */
const COMPARES_FOR_MS = 250;

/**
 * Of data whose id no promotion made, an AOF restart, nobody can tell how new they are: the record,
 * a renewal old, is all there is.
 */
function isGuess(instance: { readonly replid: string } | null, asked: AgentState): boolean {
  const entry = recordOf(asked).lineage.find(({ replid }) => replid === instance?.replid);
  return entry === undefined || entry.term === 0;
}

type Shown = { readonly replid: string; readonly offset: number } | null;

/** Whether the choice between two was one by the record, where one of them has lost its id. */
function isByRecord(own: Shown, peer: Shown & object, pod: string, asked: AgentState): boolean {
  const isPeerGuess = isGuess(peer, asked);
  if (isGuess(own, asked)) return isPeerGuess;
  const { datasets, lineage } = recordOf(asked);
  const entry = datasets[pod];
  if (!isPeerGuess || own === null || entry === undefined) return isPeerGuess;
  const indexOf = (id: string): number => lineage.findLastIndex(({ replid }) => replid === id);
  const ahead = indexOf(own.replid) - indexOf(entry.replid) || own.offset - entry.offset;
  return ahead >= 0;
}

export class Checker {
  /** Promotions among AOF restarts that were not of the freshest. */
  guesses = 0;
  /** Something was written where nobody could have known better. */
  hasStrayWrites = false;
  readonly #parts: Parts;
  readonly violations: Violation[] = [];
  readonly promotions: Promotion[] = [];
  /** What the agent asked for last: a NO ONE that comes belongs to it. */
  readonly #asked = new Map<SimPod, AgentState>();
  /** Made master by nobody of ours: when. */
  readonly #byHand = new Map<RedisProcess, number>();
  readonly #thawedAt = new Map<RedisProcess, number>();
  #greatestTerm = 0;
  /** When the Lease named its present holder first. */
  #heldSince = 0;
  #lastHolder = '';
  /** The Lease's, whatever anybody believes. */
  #trueHolder = '';
  /** Ids that were gone at a promotion, with the reason: a known, counted loss. */
  readonly #lost = new Map<number, { readonly term: number; readonly isPlanned: boolean }>();
  /** Accepted by any process, answered or not. */
  readonly #accepted: number[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  violate(invariant: string, text: string): void {
    // What is seen after the first is only its consequence.
    if (this.violations.length > 0) return;
    const at = this.#parts.scheduler.now();
    this.violations.push({ invariant, at, text });
    this.#parts.trace('VIOLATION', `${invariant}: ${text}`);
  }

  onPromote(pod: SimPod): void {
    const { agent } = pod;
    if (agent === null) return;
    this.#asked.set(pod, agent.state);
    this.#checkHolder(pod, agent.state);
  }

  thawed(redis: RedisProcess): void {
    this.#thawedAt.set(redis, this.#parts.scheduler.now());
  }

  /** The master that the schedule starts with. */
  setUp(redis: RedisProcess): void {
    this.#byHand.delete(redis);
  }

  /** I3: a promotion is only ever sent by the holder. */
  #checkHolder(pod: SimPod, state: AgentState): void {
    const holder = leaseOf(state)?.holder;
    const isOwn = holder?.agentId === state.config.self.agentId;
    if (!isOwn || state.now >= state.validUntil) {
      this.violate('I3', `${pod.name} promotes without a valid Lease`);
    }
    if (this.#trueHolder !== '' && !this.#trueHolder.endsWith(`_${state.config.self.agentId}`)) {
      this.violate('I3', `${pod.name} promotes while ${this.#trueHolder} holds the Lease`);
    }
  }

  promoted(pod: SimPod, wasMaster: boolean): void {
    const { redis } = pod;
    if (redis === null) return;
    const asked = this.#asked.get(pod);
    if (asked === undefined) {
      if (wasMaster) return;
      this.#parts.trace(pod.name, 'became master by hand');
      this.#byHand.set(redis, this.#parts.scheduler.now());
      return;
    }
    this.#asked.delete(pod);
    this.#byHand.delete(redis);
    const lease = leaseOf(asked);
    const term = lease?.term ?? 0;
    pod.term = term;
    if (this.promotions.some((later) => later.term > term)) {
      // A NO ONE that was queued while it was frozen: the guard behind it lets it accept nothing (I1).
      this.#parts.trace(pod.name, `promoted too late, in term ${term}`);
      return;
    }
    const ids = new Set(idsOf(redis.dataset));
    const isPlanned = this.#isPlanned(pod, redis, asked);
    this.promotions.push({ term, at: this.#parts.scheduler.now(), pod, redis });
    this.#parts.trace(pod.name, `promoted in term ${term} with ${ids.size} writes`);
    this.#checkFreshest(pod, asked, ids, term);
    if (!recordOf(asked).decided && !isPlanned) this.#checkLive(pod, asked, ids, term);
    this.#checkLoss(pod, ids, isPlanned, term);
  }

  /**
   * Nobody can fence it, or could until just now: it does not answer the master's agent, and its own
   * agent does not run, or its Redis stands still.
   */
  #isBeyondReach(later: Promotion, pod: SimPod): boolean {
    const { network, scheduler } = this.#parts;
    const { host } = later.pod;
    const delayMs = network.delayMs(host, pod.host) + network.delayMs(pod.host, host);
    const isTooSlow = delayMs > SLOW_MS && scheduler.now() - later.at < FENCE_AGAIN_MS;
    const isUnreachable = isTooSlow || this.#sinceCutMs(later.pod, pod) < FENCE_AGAIN_MS;
    // Nobody is left to fence it where the new master's agent is gone as well.
    const isFencedBy = later.pod.agent?.process.isRunning === true;
    const canFenceItself = pod.agent?.process.isRunning === true && pod.isListed;
    return (isUnreachable || !isFencedBy) && !canFenceItself;
  }

  /** With the giver's last offset reached, or with a giver that could have taken it back. */
  #isPlanned(pod: SimPod, redis: RedisProcess, asked: AgentState): boolean {
    const { goal: recorded, previous } = recordOf(asked);
    if (recorded === null) return false;
    const goal = goalOf(asked) ?? Number.POSITIVE_INFINITY;
    if (redis.info().offset >= goal) return true;
    const giver = this.#parts.cluster.pods.find(({ uid }) => uid === previous?.uid);
    if (giver?.redis == null || giver.redis.isFrozen || !giver.isListed) return false;
    if (giver.agent?.process.isRunning !== true) return false;
    return this.#sinceCutMs(pod, giver) > RECONNECTED_MS;
  }

  /** How long both directions between two pods have been whole. */
  #sinceCutMs(a: SimPod, b: SimPod): number {
    const { network, scheduler } = this.#parts;
    const cutUntil = Math.max(network.cutUntil(a.host, b.host), network.cutUntil(b.host, a.host));
    return scheduler.now() - cutUntil;
  }

  /** Without a boot fence an empty master can wipe its replicas, and take writes itself. */
  get #isWeaker(): boolean {
    return !this.#parts.hasBootFence;
  }

  /** I4: nobody frozen and eligible whom the promoted could hear has what it lacks. */
  #checkFreshest(pod: SimPod, asked: AgentState, ids: ReadonlySet<number>, term: number): void {
    if (this.#isWeaker) return;
    for (const peer of asked.peers.values()) {
      if (!isFrozenIn(peer, term) || asked.now - peer.at > 1000) continue;
      const { instance, podUID } = peer.report;
      if (instance === null || instance.priority === 0 || instance.loading) continue;
      const other = this.#parts.cluster.pods.find(({ uid }) => uid === podUID);
      if (other?.redis?.runId !== instance.runId) continue;
      const missing = this.#acknowledgedIn(other.redis.dataset, ids);
      if (missing === 0) continue;
      if (isByRecord(localInstance(asked), instance, other.name, asked)) {
        this.guesses++;
        continue;
      }
      this.violate(
        'I4',
        `${pod.name} was promoted in term ${term} without ${missing} acknowledged writes that ${other.name} held frozen`,
      );
    }
  }

  /** I4: who just took the Lease waits a moment for the final offsets of those that it hears. */
  #checkLive(pod: SimPod, asked: AgentState, ids: ReadonlySet<number>, term: number): void {
    const { scheduler, cluster } = this.#parts;
    if (this.#isWeaker || scheduler.now() - this.#heldSince > COMPARES_FOR_MS) return;
    for (const other of cluster.pods) {
      const peer = asked.peers.get(other.uid);
      if (other === pod || peer === undefined || asked.now - peer.at > 1000) continue;
      const { instance } = peer.report;
      if (instance === null || instance.priority === 0 || instance.loading || instance.syncing)
        continue;
      if (other.redis?.runId !== instance.runId || other.redis.isFrozen || other.term !== null)
        continue;
      if (this.#sinceCutMs(pod, other) < RECONNECTED_MS) continue;
      if (other.agent?.process.isRunning !== true || !other.isListed) continue;
      if (isByRecord(localInstance(asked), instance, other.name, asked)) continue;
      const missing = this.#acknowledgedIn(other.redis.dataset, ids);
      if (missing > 0) {
        this.violate(
          'I4',
          `${pod.name} was promoted in term ${term} at once, without ${missing} acknowledged writes of ${other.name}, which it hears`,
        );
      }
    }
  }

  #acknowledgedIn(dataset: Dataset, ids: ReadonlySet<number>): number {
    const theirs = new Set(idsOf(dataset));
    let missing = 0;
    for (const { id } of this.#parts.ledger.acknowledged) {
      if (theirs.has(id) && !ids.has(id) && !this.#lost.has(id)) missing++;
    }
    return missing;
  }

  /** What is missing from here on is a known loss of this promotion (I7); see `finish` for I5. */
  #checkLoss(pod: SimPod, ids: ReadonlySet<number>, isPlanned: boolean, term: number): void {
    let missing = 0;
    for (const id of this.#accepted) {
      if (ids.has(id) || this.#lost.has(id)) continue;
      missing++;
      this.#lost.set(id, { term, isPlanned });
    }
    if (missing > 0) this.#parts.trace(pod.name, `${missing} accepted writes are not here`);
  }

  /** I1 and I12: who may still accept a write. */
  accepted(pod: SimPod, id: number): void {
    const { redis } = pod;
    if (redis === null) return;
    this.#accepted.push(id);
    const now = this.#parts.scheduler.now();
    const thawedAt = this.#thawedAt.get(redis);
    const isSeen = now - this.#unseenSince(pod, redis) < BY_HAND_MS;
    const isThawing = thawedAt !== undefined && now - thawedAt < THAW_MS;
    if (isSeen || (isThawing && this.promotions.some(({ term }) => term > (pod.term ?? 0)))) {
      this.#lost.set(id, { term: 0, isPlanned: false });
      this.hasStrayWrites = true;
      return;
    }
    this.#checkLabels(pod);
    const own = pod.term ?? 0;
    for (const later of this.promotions) {
      if (later.term <= own || later.redis === redis) continue;
      if (this.#isBeyondReach(later, pod)) {
        this.#lost.set(id, { term: later.term, isPlanned: false });
        continue;
      }
      this.violate(
        'I1',
        `${pod.name} (term ${own}) accepted a write ${Math.round(now - later.at)} ms after ${later.pod.name} was promoted in term ${later.term}`,
      );
    }
  }

  /** I9: never two that are labelled and take writes. */
  #checkLabels(pod: SimPod): void {
    const open = this.#parts.cluster
      .labelled('master')
      .filter(
        (other) =>
          other.redis?.isOpen === true &&
          !other.redis.isFrozen &&
          this.#unseenSince(other, other.redis) < 0,
      );
    if (open.length < 2 || !open.includes(pod)) return;
    const [later] = this.promotions.filter(({ term }) => term > (pod.term ?? 0));
    if (later !== undefined && this.#isBeyondReach(later, pod)) return;
    this.violate(
      'I9',
      `${open.map(({ name }) => name).join(' and ')} are labelled and take writes`,
    );
  }

  /** Made master by a person, or born as one without boot fence: its agent must see it first. */
  #unseenSince(pod: SimPod, redis: RedisProcess): number {
    const madeAt = this.#byHand.get(redis) ?? (pod.term === null ? redis.startedAt : null);
    if (madeAt === null) return Number.NEGATIVE_INFINITY;
    if (pod.agent === null || !pod.agent.process.isRunning) return this.#parts.scheduler.now();
    return Math.max(madeAt, pod.agent.startedAt);
  }

  /** I2: terms only grow, and each has one holder. */
  onLease(before: StoredLease | null, after: StoredLease | null): void {
    this.#trueHolder = after?.spec?.holderIdentity ?? '';
    if (after === null) return;
    const term = after.spec?.leaseTransitions ?? 0;
    const [, uid = ''] = this.#trueHolder.split('_');
    if (before === null) this.#greatestTerm = Math.min(this.#greatestTerm, this.#rememberedTerm());
    const old = before?.spec?.holderIdentity ?? '';
    this.#parts.trace('Lease', `term ${term} of ${this.#trueHolder || 'nobody'} (${old})`);
    if (term < this.#greatestTerm) {
      this.violate('I2', `term ${term} after term ${this.#greatestTerm}`);
    }
    if (uid !== '' && term === this.#greatestTerm && uid !== this.#lastHolder) {
      this.violate('I2', `term ${term} has two holders: ${this.#lastHolder} and ${uid}`);
    }
    if (term > this.#greatestTerm) this.#heldSince = this.#parts.scheduler.now();
    if (term > this.#greatestTerm || uid !== '') this.#lastHolder = uid;
    this.#greatestTerm = Math.max(this.#greatestTerm, term);
  }

  /** A term that no pod and no agent remembers can be used again: nobody could know. */
  #rememberedTerm(): number {
    const terms = this.#parts.cluster.pods.flatMap(({ agent, isListed }) => {
      if (!isListed || agent === null) return [];
      return [seenTerm(agent.state), ...(agent.state.pods ?? []).map(({ mirror }) => mirror.term)];
    });
    const remembered = Math.max(0, ...terms);
    if (remembered < this.#greatestTerm) this.promotions.length = 0;
    return remembered;
  }

  onChange(collection: Collection, before: Stored | null, after: Stored | null): void {
    if (collection === 'leases') this.onLease(before as StoredLease, after as StoredLease);
  }

  /** I7, I8: what a full sync throws away was lost before, or is in what comes instead. */
  replaced(pod: SimPod, before: Dataset, after: Dataset): void {
    if (before.keys === 0 || this.#isWeaker) return;
    if (pod.volume.isForeign) {
      this.violate('I8', `${pod.name} was overwritten, and its data were not the group's`);
    }
    const kept = new Set(idsOf(after));
    const gone = this.#acknowledgedIn(before, kept);
    if (gone === 0) return;
    // Where the only others that hold them are gone as well, nobody has them any more.
    const held = this.#parts.cluster.pods.some(
      (other) => other.redis?.isMaster === true && other !== pod && other.term !== null,
    );
    if (held) return;
    this.violate('I8', `${pod.name} was overwritten with ${gone} acknowledged writes in it`);
  }

  /** At the end: every acknowledged write is there, or its loss is known. */
  finish(master: SimPod | null): number {
    if (master?.redis == null) return 0;
    const ids = new Set(idsOf(master.redis.dataset));
    let missing = 0;
    let unexplained = 0;
    const planned = new Map<number, number>();
    for (const { id } of this.#parts.ledger.acknowledged) {
      if (ids.has(id)) continue;
      missing++;
      const loss = this.#lost.get(id);
      if (loss === undefined) unexplained++;
      else if (loss.isPlanned && !this.#isWeaker)
        planned.set(loss.term, (planned.get(loss.term) ?? 0) + 1);
    }
    for (const [term, count] of planned) {
      this.violate('I5', `${count} acknowledged writes lost by the planned term ${term}`);
    }
    if (unexplained > 0 && !this.#isWeaker) {
      this.violate('I7', `${unexplained} acknowledged writes are gone, and no promotion tells why`);
    }
    return missing;
  }
}
