// One schedule from its start to its end: a group is set up, faults come, all heals, and then there
// must be one master again that everybody can write to.

import { leaseName, RECORD_ANNOTATION } from '../../src/names.ts';
import { GROUP, NAMESPACE } from './agent.ts';
import { SimApiServer } from './api-server.ts';
import { Checker, type Violation } from './checker.ts';
import { SimCluster, type SimPod } from './cluster.ts';
import { endOf, inject } from './faults.ts';
import { ISOLATED_MEMBERS_MIN } from './isolation-check.ts';
import { SimNetwork } from './network.ts';
import { askedBy, giveUpData, nameMaster } from './person.ts';
import { SeededRandom } from './random.ts';
import { RedisClient } from './redis/client.ts';
import { isHarmless, MADE_BY_HAND, type Schedule } from './schedule.ts';
import { Rollout } from './rollout.ts';
import { World } from './world.ts';
import { Ledger, Writer } from './writer.ts';

export type Outcome = {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly trace: readonly string[];
  readonly lost: number;
  readonly acknowledged: number;
  readonly promotions: number;
  /** From the last fault's end to a healthy group. */
  readonly recoveryMs: number;
  /** Promotions among AOF restarts that were not of the freshest: the record is all there is. */
  readonly guesses: number;
  /** It ended as no agent may end it by itself. */
  readonly needsPerson: boolean;
  readonly events: number;
  readonly simulatedMs: number;
};

const START_BOUND_MS = 12_000;
const RECOVERY_BOUND_MS = 20_000;
/** So long a rolling restart may wait for faults to end, and for a person. */
const ROLLOUT_BOUND_MS = 30_000;
const ADOPTION_MS = 100_000;
const LOOK_MS = 100;
/** What comes after all has healed comes soon. */
const LAST_STEADY_MS = 500;
/** After so long, what only a person can decide stays as it is. */
const STUCK_MS = 4000;
const SEED_WRITES = 5;
/** Streams between agents are there so long after their start. */
const YOUNG_MS = 1000;

export class Simulation {
  readonly #schedule: Schedule;
  readonly #world = new World();
  readonly #network: SimNetwork;
  readonly #api: SimApiServer;
  readonly #cluster: SimCluster;
  readonly #checker: Checker;
  readonly #ledger = new Ledger();
  readonly #random: SeededRandom;
  readonly #writers = new Map<SimPod, Writer>();
  readonly #trace: string[] = [];
  readonly #isTraced: boolean;
  #isSetUp = false;

  constructor(schedule: Schedule, isTraced: boolean) {
    this.#schedule = schedule;
    this.#isTraced = isTraced;
    this.#random = new SeededRandom(schedule.seed, 2);
    this.#network = new SimNetwork(this.#world, new SeededRandom(schedule.seed, 3));
    this.#api = new SimApiServer(this.#world);
    const trace = (who: string, text: string): void => this.#note(who, text);
    this.#cluster = new SimCluster(this.#parts(), schedule.setup, {
      isTraced,
      followsRequests: schedule.faults.some(({ kind }) => kind === 'switchover'),
      trace,
      onPromote: (pod) => this.#checker.onPromote(pod),
      redisOf: (pod) => ({
        accepted: (id) => this.#checker.accepted(pod, id),
        joined: () => this.#checker.joined(pod),
        lagSet: (seconds) => this.#checker.isolation.lagSet(pod, seconds),
        promoted: (wasMaster) => this.#checker.promoted(pod, wasMaster),
        replaced: (before, after) => this.#checker.replaced(pod, before, after),
      }),
    });
    this.#checker = new Checker({
      scheduler: this.#world,
      network: this.#network,
      cluster: this.#cluster,
      ledger: this.#ledger,
      hasBootFence: schedule.setup.bootFence,
      persistence: schedule.setup.persistence,
      timing: schedule.setup.core.timing,
      trace,
    });
    this.#api.onChange = (...change) => this.#checker.onChange(...change);
  }

  #parts() {
    const random = this.#random;
    return { world: this.#world, network: this.#network, api: this.#api, random };
  }

  #all() {
    const trace = (who: string, text: string): void => this.#note(who, text);
    return { ...this.#parts(), cluster: this.#cluster, checker: this.#checker, trace };
  }

  #note(who: string, text: string): void {
    if (!this.#isTraced) return;
    this.#trace.push(`${(this.#world.now() / 1000).toFixed(4).padStart(9)}  ${who}: ${text}`);
  }

  async run(): Promise<Outcome> {
    const { seed, faults, start, steadyMs } = this.#schedule;
    const lastSteadyMs = Math.min(steadyMs, LAST_STEADY_MS);
    for (let index = 0; index < this.#schedule.setup.members; index++) {
      this.#cluster.createPod(index, start !== 'adopted');
    }
    if (start === 'running') await this.#startRunning();
    else if (start === 'adopted') await this.#startByHand();
    else for (const pod of this.#cluster.pods) this.#cluster.start(pod);
    this.#isSetUp = true;
    this.#follow();
    const startedAt = this.#world.now();
    // A cold start is itself what faults may hit.
    if (start === 'running') {
      if (!(await this.#isHealthyWithin(START_BOUND_MS + steadyMs, steadyMs))) {
        this.#checker.violate('start', `the group was not healthy: ${this.#describe()}`);
      }
    }
    const from = start === 'running' ? this.#world.now() : startedAt;
    const rollout = start === 'adopted' ? this.#rollOut() : null;
    this.#note('READY', this.#describe());
    // An agent that has just started may not be heard by the master yet: I13 excepts it.
    const firstAt = from + (faults[0]?.at ?? 0);
    const areAllThere = this.#cluster.pods.every(
      ({ agent }) => agent !== null && firstAt - agent.process.createdAt >= YOUNG_MS,
    );
    let healedAt = from;
    const promotedBefore = this.#checker.promotions.length;
    for (const fault of faults) {
      this.#world.after(from + fault.at - this.#world.now(), () => inject(this.#all(), fault));
      healedAt = Math.max(healedAt, from + endOf(fault));
    }
    await this.#runUntil(healedAt);
    if (rollout !== null) await this.#untilDone(rollout);
    this.#note('HEALED', this.#describe());
    const isHealthy = await this.#isHealthyWithin(RECOVERY_BOUND_MS, lastSteadyMs);
    const recoveryMs = this.#world.now() - healedAt - lastSteadyMs;
    const needsPerson = !isHealthy && this.#needsPerson();
    if (!isHealthy && !needsPerson) {
      this.#checker.violate('I10', `no healthy group: ${this.#describe()}`);
    }
    const [first] = faults;
    const { promotions } = this.#checker;
    const isAlone = start === 'running' && areAllThere && faults.length === 1;
    if (isAlone && first !== undefined && isHarmless(first)) {
      const invariant = first.kind.startsWith('api') ? 'I13' : 'I11';
      const isFailover = promotions.length > promotedBefore;
      if (isFailover) this.#checker.violate(invariant, `a failover by ${first.kind}`);
    }
    if (faults.length === 1 && first?.kind === 'flap') {
      const from = Math.max(0, promotedBefore - 1);
      const pods = promotions.slice(from).map(({ pod }) => pod);
      const moves = pods.filter((pod, index) => index > 0 && pod !== pods[index - 1]);
      if (moves.length > 1) this.#checker.violate('I11', `${moves.length} failovers by one fault`);
    }
    for (const writer of this.#writers.values()) writer.stop();
    const isWhole = start === 'adopted' && faults.every((fault) => isHarmless(fault));
    const lost = isHealthy ? this.#checker.finish(this.#master(), isWhole) : 0;
    return {
      seed,
      violations: this.#checker.violations,
      trace: this.#trace,
      lost,
      acknowledged: this.#ledger.acknowledged.length,
      promotions: promotions.length,
      recoveryMs,
      needsPerson,
      guesses: this.#checker.guesses,
      events: this.#world.events,
      simulatedMs: this.#world.now(),
    };
  }

  /** Every pod that comes has a client that writes to it, once the group is set up. */
  #follow(): void {
    if (!this.#isSetUp) return;
    for (const pod of this.#cluster.pods) {
      if (this.#writers.has(pod)) continue;
      const { confirmedBy } = this.#schedule.setup.core;
      this.#writers.set(
        pod,
        new Writer(this.#world, this.#network, pod, this.#ledger, confirmedBy),
      );
    }
  }

  async #runUntil(end: number): Promise<void> {
    while (this.#world.now() < end && this.#checker.violations.length === 0) {
      await this.#world.runUntil(Math.min(end, this.#world.now() + LOOK_MS));
      this.#follow();
    }
  }

  async #isHealthyWithin(boundMs: number, steadyMs: number): Promise<boolean> {
    const end = this.#world.now() + boundMs;
    let since: number | null = null;
    let stuckSince: number | null = null;
    while (this.#world.now() < end && this.#checker.violations.length === 0) {
      const isHealthy = this.#unhealthiness() === null;
      if (isHealthy) {
        since ??= this.#world.now();
        if (this.#world.now() - since >= steadyMs) return true;
      } else since = null;
      if (!isHealthy && this.#needsPerson()) {
        stuckSince ??= this.#world.now();
        if (this.#world.now() - stuckSince >= STUCK_MS) return false;
      } else stuckSince = null;
      await this.#runUntil(this.#world.now() + LOOK_MS);
    }
    return false;
  }

  #master(): SimPod | null {
    const masters = this.#cluster.pods.filter(
      ({ isListed, redis }) => isListed && redis?.isMaster === true && redis.isOpen,
    );
    return masters.length === 1 ? (masters[0] ?? null) : null;
  }

  /** Why the group is not what it should be, or null. */
  #unhealthiness(): string | null {
    const master = this.#master();
    if (master === null) return 'not one open master';
    const labelled = this.#cluster.labelled('master');
    if (labelled.length !== 1 || labelled[0] !== master) return 'the label is not on the master';
    const lease = this.#api.find('leases', leaseName(GROUP));
    const holder = Reflect.get(lease?.spec ?? {}, 'holderIdentity');
    if (!String(holder).startsWith(`${master.name}_${master.uid}_`)) {
      return 'the Lease names another';
    }
    const { members, core } = this.#schedule.setup;
    const isIsolated = core.isolates && members >= ISOLATED_MEMBERS_MIN;
    if (isIsolated && master.redis?.isIsolated !== true) return 'the master is not isolated';
    for (let index = 0; index < members; index++) {
      const pod = this.#cluster.current(index);
      if (pod === null || pod.redis === null || pod.agent === null) return `redis-${index} is away`;
      if (pod === master) continue;
      const { linkUp, upstream } = pod.redis.info();
      if (!linkUp || upstream?.host !== master.host) return `${pod.name} does not replicate`;
    }
    return null;
  }

  /** What no agent may decide by itself. */
  #needsPerson(): boolean {
    // Born as masters, several took writes: only a person can tell whose are right.
    const { setup, faults, start } = this.#schedule;
    const isByHand = start === 'adopted' || faults.some(({ kind }) => MADE_BY_HAND.has(kind));
    if (isByHand && this.#hasConflict()) return true;
    if (!setup.bootFence && this.#checker.hasStrayWrites) return true;
    const present = this.#cluster.pods.filter(({ isListed }) => isListed);
    const full = present.filter(({ redis }) => (redis?.dataset.keys ?? 0) > 0);
    const isGivenUp = (pod: SimPod): boolean => this.#checker.answered.isGivenUp(pod);
    // Beside data that were given up an empty member leads.
    const isLeadable = present.some(
      (pod) => !full.includes(pod) && pod.redis?.info().priority !== 0,
    );
    if (full.length === 0 || (isLeadable && full.every(isGivenUp))) return false;
    // Only members that must never be promoted have data, or such as are not the group's, or given up.
    return full.every(
      (pod) => pod.redis?.info().priority === 0 || pod.volume.isForeign || isGivenUp(pod),
    );
  }

  #hasConflict(): boolean {
    return this.#cluster.pods.some((pod) => {
      const { agent } = pod;
      if (agent === null) return false;
      // What is given up is no conflict any more.
      const asked = askedBy(this.#cluster, pod);
      if (asked !== null) return !this.#checker.answered.isGivenUp(asked.pod);
      const { state } = agent;
      // Of masters without agent only the readiness probe tells, where this one is a replica.
      const said = state.problem ?? agent.runtime.unreadiness() ?? state.reason;
      return said.includes('RO_DATA_CONFLICT');
    });
  }

  #describe(): string {
    const pods = this.#cluster.pods
      .filter((pod) => pod.isListed || pod.redis !== null)
      .map((pod) => {
        const info = pod.redis?.info();
        const upstream = info?.upstream == null ? '' : ` of ${info.upstream.host}`;
        const link = info?.linkUp === true ? ' up' : '';
        const redis =
          info === undefined
            ? 'no Redis'
            : `${info.role}${upstream}${link}, ${info.keys} keys, offset ${info.offset}`;
        const state = pod.agent?.state;
        const said =
          state === undefined ? 'no agent' : `${state.phase}: ${state.problem ?? state.reason}`;
        return `${pod.name} at ${pod.host} [${redis}; ${said}]`;
      });
    return `${this.#unhealthiness() ?? 'healthy'}; ${pods.join('; ')}`;
  }

  /** A person watches what the agents ask about, as docs/adopt.md has it. */
  #rollOut(): Rollout {
    giveUpData(this.#all(), ADOPTION_MS, true);
    nameMaster(this.#all(), ADOPTION_MS);
    return new Rollout(this.#world, this.#cluster, this.#schedule.setup.members);
  }

  async #untilDone(rollout: Rollout): Promise<void> {
    const end = this.#world.now() + ROLLOUT_BOUND_MS;
    let goesOnAt = this.#world.now();
    while (!rollout.isDone && this.#world.now() < end && this.#checker.violations.length === 0) {
      await this.#runUntil(this.#world.now() + LOOK_MS);
      if (!this.#needsPerson()) goesOnAt = this.#world.now();
      if (this.#world.now() - goesOnAt >= STUCK_MS) return;
    }
  }

  /** A group as its agents would find it after they were all replaced. */
  async #startRunning(): Promise<void> {
    const [first] = this.#cluster.pods;
    if (first === undefined) return;
    await this.#startByHand();
    this.#writeLease(first);
    first.term = 1;
    for (const pod of this.#cluster.pods) this.#cluster.startAgent(pod);
  }

  /** One master with data, and replicas that a person attached. */
  async #startByHand(): Promise<void> {
    const [first, ...others] = this.#cluster.pods;
    if (first === undefined) return;
    for (const pod of this.#cluster.pods) this.#cluster.startRedis(pod);
    const person = (pod: SimPod) => new RedisClient(this.#network, 'setup', pod.host);
    await this.#runUntil(150);
    person(first).send([{ kind: 'replicaof-no-one' }]);
    await this.#runUntil(200);
    for (const pod of others) {
      person(pod).send([{ kind: 'replicaof', host: first.host, port: 6379 }]);
    }
    for (let write = 0; write < SEED_WRITES; write++) {
      person(first).send([{ kind: 'write', id: this.#ledger.nextId() }]);
    }
    const isLinked = (): boolean =>
      others.every(({ redis }) => redis?.info().linkUp === true && redis.dataset.keys > 0);
    for (let waited = 0; waited < 50 && !isLinked(); waited++) {
      await this.#runUntil(this.#world.now() + LOOK_MS);
    }
    first.term = 0;
    if (first.redis !== null) this.#checker.setUp(first.redis);
    this.#note('SETUP', `${NAMESPACE}/${GROUP}: ${this.#ledger.acknowledged.length} writes`);
  }

  #writeLease(first: SimPod): void {
    const infos = this.#cluster.pods.map((pod) => ({ pod, info: pod.redis?.info() }));
    const isClaimed = this.#schedule.setup.isClaimed;
    const datasets = infos.map(({ pod, info }) => [
      pod.name,
      {
        volume: isClaimed ? `pvc/data-${pod.name}` : pod.uid,
        replid: info?.replid,
        offset: info?.offset,
        keys: info?.keys,
      },
    ]);
    const replid = first.redis?.info().replid;
    const record = {
      protocol: 1,
      candidates: infos.map(({ pod, info }) => ({
        pod: pod.name,
        uid: pod.uid,
        address: pod.host,
        runId: info?.runId,
      })),
      goal: null,
      decided: false,
      basisMs: null,
      previous: null,
      lineage: [{ replid, term: 1, start: 0 }],
      datasets: Object.fromEntries(datasets) as object,
      history: [{ term: 1, holder: first.name, reason: 'set up', at: '2026-01-01T00:00:00Z' }],
    };
    this.#api.put('leases', {
      metadata: {
        name: leaseName(GROUP),
        annotations: { [RECORD_ANNOTATION]: JSON.stringify(record) },
      },
      spec: {
        holderIdentity: `${first.name}_${first.uid}_000000000`,
        leaseTransitions: 1,
        renewTime: '2026-01-01T00:00:00.000000Z',
      },
    });
  }
}
