// The invariants of DESIGN 13, checked at every write that is accepted, every promotion, every change
// of the Lease and every full sync, by what is true and not by what anybody believes.

import { goalOf } from '../../agent/core/goal.ts';
import type { Timing } from '../../agent/core/lease-clock.ts';
import { readRecord } from '../../agent/kube/annotation-text.ts';
import type { AgentState, GroupRecord, Peer } from '../../agent/core/model.ts';
import { leaseOf, localInstance, recordOf, seenTerm } from '../../agent/core/view.ts';
import { leaseName, RECORD_ANNOTATION } from '../../src/names.ts';
import { GROUP } from './agent.ts';
import { Answered } from './answered.ts';
import { API_HOST } from './api-client.ts';
import type { Collection, Stored, StoredLease } from './api-server.ts';
import type { Setup, SimCluster, SimPod } from './cluster.ts';
import type { SimNetwork } from './network.ts';
import type { Scheduler } from './ports.ts';
import { type Dataset, EMPTY, idsOf } from './redis/dataset.ts';
import type { RedisProcess } from './redis/process.ts';
import { IsolationCheck } from './isolation-check.ts';
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
  readonly persistence: Setup['persistence'];
  readonly timing: Timing;
  readonly trace: (who: string, text: string) => void;
};

/** How long an agent needs to see what its instance did by somebody else's hand. */
const BY_HAND_MS = 1500;
/** An agent looks at an instance that has just been promoted several times in so long. */
const LOOK_MS = 100;
/** What reached a frozen process before its fence did is still carried out when it thaws. */
const THAW_MS = 400;
/** An agent kills what does not obey within 100 ms. */
const KILLED_MS = 300;
/** A dial that was lost is repeated after a second, a fence every 200 ms. */
const FENCE_AGAIN_MS = 1500;
/** A fence that takes longer than the 200 ms before a promotion comes after it. */
const SLOW_MS = 50;
/** Streams and links are there again so long after a cut. */
const RECONNECTED_MS = 2000;
/** Less than the 300 ms for which live peers are waited for. */
const COMPARES_FOR_MS = 250;

/** Heard of no longer ago than what the core calls live. */
const HEARD_MS = 1000;
const SILENT_MS = 1500;

type Shown = { readonly replid: string; readonly offset: number } | null;

export class Checker {
  /** Promotions among AOF restarts that were not of the freshest. */
  guesses = 0;
  /** Something was written where nobody could have known better. */
  hasStrayWrites = false;
  /** By a person: excepted. */
  readonly answered: Answered;
  readonly isolation = new IsolationCheck();
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
  /** When somebody deleted the Lease last. */
  #recordLostAt = Number.NEGATIVE_INFINITY;
  #isFounded = false;
  /** The Lease's, whatever anybody believes. */
  #trueHolder = '';
  /** Ids that were gone at a promotion, with the reason: a known, counted loss. */
  readonly #lost = new Map<number, { readonly term: number; readonly isPlanned: boolean }>();
  /** Accepted by any process, answered or not. */
  readonly #accepted: number[] = [];
  /** Replication ids under which a promoted master took writes, and when. */
  readonly #ids = new Map<string, { readonly firstAt: number; readonly lastAt: number }>();
  /** Was master, or had its link to one up: what it holds was the group's newest once. */
  readonly #joined = new WeakSet<RedisProcess>();
  readonly #mastersFrozen = new WeakSet<RedisProcess>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.answered = new Answered(parts.timing);
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

  frozen(redis: RedisProcess): void {
    if (redis.isMaster) this.#mastersFrozen.add(redis);
  }

  /** A master carries out what waited; who was none takes nothing, whatever was asked of it since. */
  thawed(redis: RedisProcess): void {
    if (this.#mastersFrozen.has(redis)) this.#thawedAt.set(redis, this.#parts.scheduler.now());
  }

  /** The master that the schedule starts with. */
  setUp(redis: RedisProcess): void {
    this.#byHand.delete(redis);
    this.#joined.add(redis);
    this.#isFounded = true;
  }

  /** Its link to a master came up. */
  joined(pod: SimPod): void {
    if (pod.redis !== null) this.#joined.add(pod.redis);
  }

  /** I3: a promotion is only ever sent by the holder. */
  #checkHolder(pod: SimPod, state: AgentState): void {
    const holder = leaseOf(state)?.holder;
    const isOwn = holder?.agentId === state.config.self.agentId;
    if (!isOwn || state.now >= state.validUntil) {
      this.violate('I3', `${pod.name} promotes without a valid Lease`);
    }
    // Deposed by force while it decided, it may not know it yet; its successor fences it.
    const isDeposed = this.answered.isDeposed(
      leaseOf(state)?.term ?? 0,
      this.#parts.scheduler.now(),
    );
    const isOther = !this.#trueHolder.endsWith(`_${state.config.self.agentId}`);
    if (this.#trueHolder !== '' && isOther && !isDeposed) {
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
    const isUnseenByHand = this.#isUnseenByHand(pod, redis);
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
    // What the giver of a term compared counts for one promotion.
    const isAgain = this.promotions.some((earlier) => earlier.term === term);
    this.promotions.push({ term, at: this.#parts.scheduler.now(), pod, redis });
    // What the first master of all holds is the group's, whoever put it there.
    if (!this.#isFounded) pod.volume.isForeign = false;
    this.#isFounded = true;
    this.#parts.trace(pod.name, `promoted in term ${term} with ${ids.size} writes`);
    if (isUnseenByHand) this.guesses++;
    else this.#checkFreshest(pod, asked, ids, term);
    const isDecided = recordOf(asked).decided || isPlanned;
    // The giver judged the process that was there; one that started since is none that it knew.
    const isJudged = isDecided && redis.startedAt < this.#heldSince;
    const mustHearAll = !isJudged && !this.#joined.has(redis) && !this.answered.isForced(term);
    if (mustHearAll) this.#checkUnheard(pod, asked, ids, term);
    const isNew = this.#parts.scheduler.now() - this.#heldSince <= COMPARES_FOR_MS;
    const mustCompare = isAgain || (isNew && !isDecided);
    if (mustCompare && !isUnseenByHand) this.#checkLive(pod, asked, ids, term);
    this.#checkAdopted(pod, ids);
    this.#joined.add(redis);
    if (!isUnseenByHand) this.#checkConfirmed(pod, ids, term);
    this.#checkLoss(pod, ids, isPlanned, term);
  }

  /**
   * Nobody can fence it, or could until just now: it does not answer the master's agent, and its own
   * agent does not run, or its Redis stands still.
   */
  #isBeyondReach(later: Promotion, pod: SimPod): boolean {
    const { scheduler } = this.#parts;
    const isTooSlow = this.#isSlow(later.pod, pod) && scheduler.now() - later.at < FENCE_AGAIN_MS;
    const isUnreachable = isTooSlow || this.#sinceCutMs(later.pod, pod) < FENCE_AGAIN_MS;
    // Nobody is left to fence it where the new master's agent is gone as well.
    const fencer = later.pod.agent?.process;
    // Whose pod object is gone is known to nobody but the agent that promoted beside it, and without an
    // agent of its own to nobody.
    const isKnown = pod.isManaged && (fencer?.createdAt ?? later.at) <= later.at;
    const isForgotten = !pod.isListed && !isKnown;
    const isFencedBy = fencer?.isRunning === true && !isForgotten;
    const { agent } = pod;
    // An agent that starts, or goes on, fences its instance within F.
    const awakeMs =
      agent?.process.isRunning === true ? scheduler.now() - agent.process.runsSince : 0;
    const isAwake = awakeMs >= this.#parts.timing.fenceMs;
    const isDeposed = this.answered.isDeposed(pod.term ?? 0, scheduler.now());
    const canFenceItself = isAwake && pod.isListed && !isDeposed;
    return (isUnreachable || !isFencedBy) && !canFenceItself;
  }

  #isSlow({ host }: SimPod, pod: SimPod): boolean {
    const { network } = this.#parts;
    const delayMs = network.delayMs(host, pod.host) + network.delayMs(pod.host, host);
    const isLossy = network.isLossy(host, pod.host) || network.isLossy(pod.host, host);
    return isLossy || delayMs > SLOW_MS;
  }

  /** With the giver's last offset reached, or with a giver that could have taken it back. */
  #isPlanned(pod: SimPod, redis: RedisProcess, asked: AgentState): boolean {
    const { goal: recorded, previous } = recordOf(asked);
    if (recorded === null) return false;
    const goal = goalOf(asked) ?? Number.POSITIVE_INFINITY;
    // Counted under the giver's id, which was this Redis's own until just now.
    const given = recordOf(asked).lineage.findLast((entry) => entry.term > 0)?.replid;
    const { replid2, secondOffset } = redis.info();
    if (replid2 === given && secondOffset - 1 >= goal) return true;
    const giver = this.#parts.cluster.pods.find(({ uid }) => uid === previous?.uid);
    if (giver?.redis == null || giver.redis.isFrozen || !giver.isListed) return false;
    // A process that started since has nothing to take back.
    const served = recordOf(asked).candidates.find(({ uid }) => uid === giver.uid)?.runId;
    if (giver.redis.runId !== served) return false;
    if (giver.agent?.process.isRunning !== true) return false;
    return this.#sinceCutMs(pod, giver) > RECONNECTED_MS;
  }

  /** Whose agent does not reach the API server, or cannot hear it, cannot lead: it is no candidate. */
  #isCutOff(pod: SimPod): boolean {
    return this.#sinceCutMs(pod, { host: API_HOST }) < RECONNECTED_MS;
  }

  /** How long both directions between two hosts have been whole. */
  #sinceCutMs(a: Pick<SimPod, 'host'>, b: Pick<SimPod, 'host'>): number {
    const { network, scheduler } = this.#parts;
    const cutUntil = Math.max(network.cutUntil(a.host, b.host), network.cutUntil(b.host, a.host));
    return scheduler.now() - cutUntil;
  }

  /** Without a boot fence an empty master can wipe its replicas, and take writes itself. */
  get #isWeaker(): boolean {
    return !this.#parts.hasBootFence || this.#parts.cluster.hasUnguardedRestart;
  }

  /**
   * Of data whose id no promotion made, an AOF restart, nobody can tell how new they are: the record,
   * a renewal old, is all there is.
   */
  #isGuess(instance: { readonly replid: string } | null): boolean {
    return instance === null || !this.#ids.has(instance.replid);
  }

  /**
   * In limbo with a final offset, by what the promoted was told: in this term, or it gave the Lease away
   * with the word that it had compared all.
   */
  #hasStopped({ report }: Peer, asked: AgentState, redis: RedisProcess, term: number): boolean {
    if (report.role !== 'limbo') return false;
    if ((report.frozenTerm ?? report.term) >= term) return true;
    const { decided, goal, previous } = recordOf(asked);
    const isGiver = decided && goal === null && previous?.uid === report.podUID;
    return isGiver && redis.startedAt < this.#heldSince;
  }

  /** I4: nobody stopped and eligible whom the promoted could hear has what it lacks. */
  #checkFreshest(pod: SimPod, asked: AgentState, ids: ReadonlySet<number>, term: number): void {
    if (this.#isWeaker) return;
    for (const peer of asked.peers.values()) {
      if (asked.now - peer.at > HEARD_MS) continue;
      const { instance, podUID } = peer.report;
      if (instance === null || instance.loading) continue;
      const other = this.#parts.cluster.pods.find(({ uid }) => uid === podUID);
      if (other?.redis?.runId !== instance.runId || this.#isCutOff(other)) continue;
      const missing = this.#acknowledgedIn(other.redis.dataset, ids);
      if (missing === 0) continue;
      if (ids.size === 0 && !this.answered.isGivenUp(other)) {
        this.violate(
          'I4',
          `${pod.name} was promoted in term ${term} empty, while ${other.name} has data`,
        );
      }
      if (instance.priority === 0 || !this.#hasStopped(peer, asked, other.redis, term)) continue;
      if (this.#isByRecord(localInstance(asked), instance, other.name, asked)) {
        this.guesses++;
        continue;
      }
      this.violate(
        'I4',
        `${pod.name} was promoted in term ${term} without ${missing} acknowledged writes that ${other.name} held frozen`,
      );
    }
  }

  /** An id that its master took and lost again before any agent could look, or that nobody has kept. */
  #isUnseen({ replid }: Shown & object, asked: AgentState): boolean {
    const taken = this.#ids.get(replid);
    const isIn = ({ lineage }: Pick<GroupRecord, 'lineage'>): boolean =>
      lineage.some((entry) => entry.replid === replid);
    if (taken === undefined || isIn(recordOf(asked))) return false;
    if (taken.lastAt - taken.firstAt < LOOK_MS) return true;
    // A person took the record away, and no pod had it yet.
    const isMirrored = (asked.pods ?? []).some(({ mirror }) => isIn(mirror));
    return taken.firstAt < this.#recordLostAt && !isMirrored;
  }

  /** A person made it master while no agent ran that could see what it was before, or ours has ended since. */
  #isUnseenByHand({ agent }: SimPod, redis: RedisProcess): boolean {
    const madeAt = this.#byHand.get(redis);
    return madeAt !== undefined && agent !== null && agent.process.runsSince > madeAt;
  }

  /** I4: who just took the Lease waits a moment for the final offsets of those that it hears. */
  #checkLive(pod: SimPod, asked: AgentState, ids: ReadonlySet<number>, term: number): void {
    if (this.#isWeaker) return;
    for (const other of this.#parts.cluster.pods) {
      const peer = asked.peers.get(other.uid);
      if (other === pod || peer === undefined || asked.now - peer.at > HEARD_MS) continue;
      const { instance } = peer.report;
      if (instance === null || instance.priority === 0 || instance.loading || instance.syncing)
        continue;
      if (other.redis?.runId !== instance.runId || other.redis.isFrozen || other.term !== null)
        continue;
      if (this.#sinceCutMs(pod, other) < RECONNECTED_MS) continue;
      if (other.agent?.process.isRunning !== true || !other.isListed) continue;
      if (this.#isByRecord(localInstance(asked), instance, other.name, asked)) continue;
      const missing = this.#acknowledgedIn(other.redis.dataset, ids);
      if (missing > 0) {
        this.violate(
          'I4',
          `${pod.name} was promoted in term ${term} at once, without ${missing} acknowledged writes of ${other.name}, which it hears`,
        );
      }
    }
  }

  /**
   * I4: who restarted, or never was part of the group, and took the Lease by itself waits for all whom
   * it must expect: a pod that it did not hear has nothing that it lacks.
   */
  #checkUnheard(pod: SimPod, asked: AgentState, ids: ReadonlySet<number>, term: number): void {
    if (this.#isWeaker) return;
    for (const other of this.#parts.cluster.pods) {
      if (other === pod || !other.isListed || other.isLeaving) continue;
      const peer = asked.peers.get(other.uid);
      if (peer !== undefined && asked.now - peer.at <= SILENT_MS) continue;
      const missing = this.#acknowledgedIn(this.#dataOf(other), ids);
      if (missing > 0) {
        this.violate(
          'I4',
          `${pod.name} restarted and was promoted in term ${term} without ${missing} acknowledged writes of ${other.name}, which it did not hear`,
        );
      }
    }
  }

  /** Adoption: nobody leads beside a master without agent, nor without what it has at its end. */
  #checkAdopted(pod: SimPod, ids: ReadonlySet<number>): void {
    if (this.promotions.length > 1) return;
    if (this.#isWeaker) return;
    for (const old of this.#parts.cluster.pods) {
      const { redis } = old;
      if (old.isManaged || old.term === null || !old.isListed || redis === null) continue;
      const missing = this.#acknowledgedIn(redis.dataset, ids);
      const isHeard = !redis.isFrozen && this.#sinceCutMs(pod, old) > RECONNECTED_MS;
      if (!old.isLeaving) this.violate('adoption', `${pod.name} was promoted beside ${old.name}`);
      else if (missing > 0 && isHeard) {
        const text = `${pod.name} was promoted without ${missing} acknowledged writes of ${old.name}`;
        this.violate('adoption', text);
      }
    }
  }

  /** What it holds, or would hold if it started now. */
  #dataOf({ redis, volume }: SimPod): Dataset {
    if (redis !== null) return redis.dataset;
    const { persistence } = this.#parts;
    const kept = persistence === 'aof' ? volume.appendOnly : (volume.snapshot?.dataset ?? null);
    return persistence === 'none' || kept === null ? EMPTY : kept;
  }

  /** Whether the choice between two was one by the record, where it does not know the id of one of them. */
  #isByRecord(own: Shown, peer: Shown & object, pod: string, asked: AgentState): boolean {
    if (this.#isUnseen(peer, asked)) return true;
    const isPeerGuess = this.#isGuess(peer);
    if (this.#isGuess(own)) return isPeerGuess;
    const { datasets, lineage } = recordOf(asked);
    const entry = datasets[pod];
    if (!isPeerGuess || own === null || entry === undefined) return isPeerGuess;
    const indexOf = (id: string): number => lineage.findLastIndex(({ replid }) => replid === id);
    const ahead = indexOf(own.replid) - indexOf(entry.replid) || own.offset - entry.offset;
    return ahead >= 0;
  }

  #acknowledgedIn(dataset: Dataset, ids: ReadonlySet<number>): number {
    const theirs = new Set(idsOf(dataset));
    let missing = 0;
    for (const { id } of this.#parts.ledger.acknowledged) {
      if (theirs.has(id) && !ids.has(id) && !this.#lost.has(id)) missing++;
    }
    return missing;
  }

  /** I6: what WAIT confirmed is here, unless no process that had it is left. */
  #checkConfirmed(pod: SimPod, ids: ReadonlySet<number>, term: number): void {
    if (this.#isWeaker || this.answered.isForced(term)) return;
    // Priority 0: a person wants it never to lead, whatever it alone confirmed.
    const unled = this.#parts.cluster.pods
      .filter(({ isListed, redis }) => isListed && redis?.info().priority === 0)
      .flatMap(({ redis }) => (redis === null ? [] : idsOf(redis.dataset)));
    const excused = new Set(unled);
    const missing = this.#parts.ledger.confirmed.filter(
      (id) => !ids.has(id) && !this.#lost.has(id) && !excused.has(id),
    );
    if (missing.length === 0) return;
    for (const other of this.#parts.cluster.pods) {
      if (other === pod || other.redis === null || !other.isListed) continue;
      const theirs = new Set(idsOf(other.redis.dataset));
      const count = missing.filter((id) => theirs.has(id)).length;
      if (count === 0) continue;
      if (this.#isGuess(other.redis.info())) {
        this.guesses++;
        continue;
      }
      const text = `without ${count} writes that WAIT confirmed and that ${other.name} holds`;
      this.violate('I6', `${pod.name} was promoted in term ${term} ${text}`);
    }
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
    this.#checkKilled(pod);
    if (isSeen || (isThawing && this.promotions.some(({ term }) => term > (pod.term ?? 0)))) {
      this.#lost.set(id, { term: 0, isPlanned: false });
      this.hasStrayWrites = true;
      return;
    }
    this.#checkLabels(pod);
    if (pod.term !== null) {
      const firstAt = this.#ids.get(redis.replid)?.firstAt ?? now;
      this.#ids.set(redis.replid, { firstAt, lastAt: now });
    }
    const own = pod.term ?? 0;
    for (const later of this.promotions) {
      if (later.term <= own || later.redis === redis) continue;
      const isAlone = this.isolation.isBroken(pod, now);
      if (this.#isBeyondReach(later, pod) && !isAlone) {
        this.#lost.set(id, { term: later.term, isPlanned: false });
        continue;
      }
      this.violate(
        'I1',
        `${pod.name} (term ${own}) accepted a write ${Math.round(now - later.at)} ms after ${later.pod.name} was promoted in term ${later.term}`,
      );
    }
  }

  /** --kill-frozen: whose agent knew for so long that another leads is dead before it thaws. */
  #checkKilled({ agent, name }: SimPod): void {
    if (agent === null || !agent.state.config.killsFrozen) return;
    const { state } = agent;
    const { phase, phaseSince, redis, now, config } = state;
    const holder = leaseOf(state)?.holder ?? null;
    const isGiven = holder !== null && holder.agentId !== config.self.agentId;
    const isSilent =
      redis?.reachable === false &&
      !redis.locked &&
      redis.last?.role === 'master' &&
      now - redis.since > config.redisTimeoutMs + KILLED_MS;
    if (phase !== 'Fencing' || !isGiven || !isSilent || now - phaseSince < KILLED_MS) return;
    this.violate('I1', `${name} thawed and accepted a write, and was not killed`);
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
    const deposable = open.filter((other) => {
      const [later] = this.promotions.filter(({ term }) => term > (other.term ?? 0));
      return later === undefined || !this.#isBeyondReach(later, other);
    });
    if (deposable.length < 2 || !open.includes(pod)) return;
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
    return Math.max(madeAt, pod.agent.process.runsSince);
  }

  /** I2: terms only grow, and each has one holder. */
  onLease(before: StoredLease | null, after: StoredLease | null): void {
    this.#trueHolder = after?.spec?.holderIdentity ?? '';
    if (after === null) {
      this.#recordLostAt = this.#parts.scheduler.now();
      return;
    }
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
    // Another agent of the pod that was named goes on from it.
    const isOtherPod = old.split('_')[1] !== uid;
    if (before !== null) this.answered.onLease(before, after, this.#parts.scheduler.now());
    if (before !== null && isOtherPod) this.#checkProtocol(before, after);
    if (term > this.#greatestTerm) this.#heldSince = this.#parts.scheduler.now();
    if (term > this.#greatestTerm || uid !== '') this.#lastHolder = uid;
    this.#greatestTerm = Math.max(this.#greatestTerm, term);
  }

  /** An agent of an older protocol leads where a newer one named it; it never takes the Lease itself. */
  #checkProtocol(before: StoredLease, after: StoredLease): void {
    const recordIn = ({ metadata }: StoredLease) =>
      readRecord(metadata.annotations?.[RECORD_ANNOTATION]);
    const [was, is] = [recordIn(before), recordIn(after)];
    const isForced = this.answered.isForced(after.spec?.leaseTransitions ?? 0);
    const isAcquired = this.#trueHolder !== '' && is.basisMs === null && !isForced;
    if (isAcquired && is.protocol < was.protocol) {
      this.violate('protocol', `${this.#trueHolder} is older than the record that it took over`);
    }
  }

  /** A term that no pod and no agent remembers can be used again: nobody could know. */
  #rememberedTerm(): number {
    const terms = this.#parts.cluster.pods.flatMap(({ agent, isListed }) => {
      if (!isListed || agent === null) return [];
      return [seenTerm(agent.state), ...(agent.state.pods ?? []).map(({ mirror }) => mirror.term)];
    });
    const remembered = Math.max(0, ...terms);
    if (remembered < this.#greatestTerm) {
      this.promotions.length = 0;
      this.#ids.clear();
    }
    return remembered;
  }

  onChange(collection: Collection, before: Stored | null, after: Stored | null): void {
    const isGroup = (after ?? before)?.metadata.name === leaseName(GROUP);
    if (collection === 'leases' && isGroup) {
      this.onLease(before as StoredLease, after as StoredLease);
    }
  }

  /** I7, I8: what a full sync throws away was lost before, or is in what comes instead. */
  replaced(pod: SimPod, before: Dataset, after: Dataset): void {
    if (before.keys === 0 || this.#isWeaker) return;
    if (this.answered.isGivenUp(pod)) {
      // The group's from now on, also where an AOF that was not written anew brings the old ones back.
      pod.volume.isForeign = false;
      return this.#giveUp(before, after);
    }
    if (pod.volume.isForeign) {
      this.violate('I8', `${pod.name} was overwritten, and its data were not the group's`);
    }
    const kept = new Set(idsOf(after));
    const gone = this.#acknowledgedIn(before, kept);
    if (gone === 0) return;
    // Where the only others that hold them are gone as well, nobody has them any more.
    // A master without agent is who counts, whoever made it one.
    const held = this.#parts.cluster.pods.some(
      (other) =>
        other.redis?.isMaster === true &&
        other !== pod &&
        (other.term !== null || !other.isManaged),
    );
    if (held) return;
    this.violate('I8', `${pod.name} was overwritten with ${gone} acknowledged writes in it`);
  }

  /** A person let them be overwritten, and what nobody else has is lost by that. */
  #giveUp(before: Dataset, after: Dataset): void {
    const kept = new Set(idsOf(after));
    for (const id of idsOf(before)) {
      if (!kept.has(id) && !this.#lost.has(id)) this.#lost.set(id, { term: 0, isPlanned: false });
    }
  }

  /** At the end: every acknowledged write is there, or its loss is known; `isWhole`: none is lost. */
  finish(master: SimPod | null, isWhole: boolean): number {
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
    if (isWhole && missing > 0 && !this.#isWeaker) {
      this.violate('adoption', `${missing} acknowledged writes were lost while nothing went wrong`);
    }
    if (unexplained > 0 && !this.#isWeaker) {
      this.violate('I7', `${unexplained} acknowledged writes are gone, and no promotion tells why`);
    }
    return missing;
  }
}
