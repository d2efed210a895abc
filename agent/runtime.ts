// The running core: feeds events into it, one after the other, and has its effects carried out.
// Whatever is decided is decided in the core.

import { VERSION } from '../src/version.ts';
import type { AgentReport } from '../src/wire.ts';
import type { Timer } from './clock.ts';
import { ailment } from './core/ailment.ts';
import { labelChanges } from './core/labels.ts';
import type { AgentEvent, AgentState, PodView, StepResult } from './core/model.ts';
import { type Memory, narrate, NOTHING_TOLD } from './core/narration.ts';
import type { Notice } from './core/notice-table.ts';
import { reportOf, unhealthiness, unreadiness } from './core/report.ts';
import { initialState, step } from './core/step.ts';
import { seenTerm } from './core/view.ts';
import { type EffectParts, Effects } from './effects.ts';
import {
  Guard,
  guardLease,
  guardPods,
  guardRedis,
  guardRedisProcess,
  guardRemoteRedis,
  guardRoutes,
} from './guard.ts';
import type { LabelKeeper } from './kube/label-keeper.ts';
import type { Observed } from './metrics/counts.ts';
import { faceOf, isDraining, pollMsOf, tickMsOf } from './pace.ts';
import { type RoundParts, Rounds } from './rounds.ts';
import { effectTrace, eventTrace } from './trace.ts';

const HEARTBEAT_MS = 500;
const OFFSET_PUBLISH_MS = 100;
const STALL_MS = 250;
/** EX_SOFTWARE of sysexits.h. */
const CORE_THREW = 70;

export type RuntimeParts = EffectParts &
  RoundParts & {
    readonly labels: LabelKeeper;
    readonly namespace: string;
    readonly group: string;
    readonly podIP: string;
    readonly apiRequests: () => number;
    /** Events and effects go to the log, at level debug: nobody else pays for their texts. */
    readonly isTraced?: boolean;
    readonly followPeers: (pods: readonly PodView[]) => void;
    readonly publish: (report: AgentReport) => void;
    /** Fire and forget, as what follows. */
    readonly tell: (notice: Notice) => void;
    readonly observe: (step: Observed) => void;
    /** How late a tick came. */
    readonly observeLag?: (ms: number) => void;
  };

/** What the runtime asks of the world, so that nothing throws or rejects. */
function guarded(parts: RuntimeParts): RuntimeParts {
  const guard = new Guard(parts.log);
  return {
    ...parts,
    redis: guardRedis(parts.redis, guard),
    redisProcess: guardRedisProcess(parts.redisProcess, guard),
    remoteRedis: guardRemoteRedis(parts.remoteRedis, guard),
    lease: guardLease(parts.lease, guard),
    pods: guardPods(parts.pods, guard),
    routes: guardRoutes(parts.routes, guard),
    // One fence too many is better than one too few.
    isStranger: (uid, address) =>
      guard.value(
        'isStranger',
        () => parts.isStranger(uid, address),
        () => false,
      ),
    readRoute: () =>
      guard.value('readRoute', parts.readRoute, (detail) => [
        { service: '', kind: 'label', ok: false, detail },
      ]),
    followPeers: (pods) => guard.now('followPeers', () => parts.followPeers(pods), undefined),
    publish: (report) => guard.now('publish', () => parts.publish(report), undefined),
    tell: (notice) => guard.now('tell', () => parts.tell(notice), undefined),
    observe: (step) => guard.now('observe', () => parts.observe(step), undefined),
    observeLag: (ms) => guard.now('observeLag', () => parts.observeLag?.(ms), undefined),
  };
}

export class Runtime {
  readonly #parts: RuntimeParts;
  readonly #effects: Effects;
  readonly #rounds: Rounds;
  #state: AgentState;
  readonly #queue: AgentEvent[] = [];
  #running = false;
  #ticker: Timer | null = null;
  #tickMs = 0;
  #lastTickAt: number;
  #face: readonly unknown[] = [];
  #publishedAt = Number.NEGATIVE_INFINITY;
  #publishedOffset: number | null = null;
  #told: Memory = NOTHING_TOLD;
  #dueAt = 0;
  #lastDecision: { reason: string; at: string } | null = null;
  #stopped = false;

  constructor(given: RuntimeParts) {
    const parts = guarded(given);
    this.#parts = parts;
    this.#effects = new Effects(parts, this);
    this.#rounds = new Rounds(parts, this);
    this.#state = initialState(parts.core, parts.clock.now());
    this.#lastTickAt = parts.clock.now();
  }

  get state(): AgentState {
    return this.#state;
  }

  start(): void {
    this.#lastTickAt = this.#parts.clock.now();
    this.#setTick(tickMsOf(this.#state));
    this.#rounds.start();
  }

  stop(): void {
    this.#stopped = true;
    this.#ticker?.cancel();
    this.#rounds.stop();
  }

  unhealthiness(): string | null {
    return unhealthiness(this.#state);
  }

  unreadiness(): string | null {
    return unreadiness(this.#state);
  }

  report(): AgentReport {
    const { clock, namespace, group, podIP } = this.#parts;
    const clockMs = clock.now();
    return reportOf(this.#state, {
      namespace,
      group,
      podIP,
      version: VERSION,
      clockMs,
      epochOffsetMs: clock.epochMs() - clockMs,
      lastDecision: this.#lastDecision,
      route: this.#rounds.route,
      apiRequests: this.#parts.apiRequests(),
    });
  }

  /** Events are handled one after the other, also those that an effect raises meanwhile. */
  dispatch(event: AgentEvent): void {
    if (this.#stopped) return;
    this.#noticeStall();
    this.#queue.push(event);
    if (this.#running) return;
    this.#running = true;
    let isNews = false;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        isNews = this.#handle(next) || isNews;
      }
    } finally {
      this.#running = false;
    }
    if (isNews) this.#settle();
  }

  /** Whether anything may have changed. */
  #handle(event: AgentEvent): boolean {
    const { clock, log } = this.#parts;
    const before = this.#state;
    const { isTraced = false, core } = this.#parts;
    if (isTraced) this.#trace(eventTrace(event, core.self.agentId));
    const result = this.#step(event);
    if (result === null) return false;
    const { state, effects, reason, isNews } = result;
    this.#state = state;
    // A report that is old news may still be newer than the Lease that this agent knows.
    if (event.kind === 'peer') this.#rounds.catchUp();
    if (!isNews) return false;
    if (reason !== null) {
      this.#lastDecision = { reason, at: new Date(clock.epochMs()).toISOString() };
      const { phase } = state;
      log.info(
        { state: phase, from: before.phase, term: seenTerm(state), event: event.kind },
        reason,
      );
    }
    if (before.redis !== state.redis) this.#tellAilment(ailment(before), ailment(state));
    for (const effect of effects) {
      if (isTraced) this.#trace(effectTrace(effect));
      this.#effects.carryOut(effect);
    }
    if (event.kind === 'pods') this.#followPeers();
    // After the effects: nothing waits for what people are told.
    const { notices, memory } = narrate(this.#told, { before, event, after: state });
    this.#told = memory;
    for (const notice of notices) this.#parts.tell(notice);
    this.#parts.observe({ before, event, after: state, effects, notices });
    // What a new phase asks for next waits for no tick: a nominee promotes as soon as it knows. A
    // tick may come at any moment, so this is one of its moments; one for each event, no loop.
    const hasMoved = state.phase !== before.phase;
    if (hasMoved && event.kind !== 'tick') this.#queue.push({ kind: 'tick' });
    return true;
  }

  /**
   * Null where the core threw, which is a bug. What a peer sent is left out then; anything else would come
   * again and again, while validity ends: the agent ends, and its successor starts with a clean state.
   */
  #step(event: AgentEvent): StepResult | null {
    const { clock, log, onExit } = this.#parts;
    try {
      return step(this.#state, event, clock.now());
    } catch (error) {
      const from = event.kind === 'peer' ? { peer: event.report.podName } : {};
      const detail = error instanceof Error ? error.stack : String(error);
      log.error({ ...from, event: event.kind, detail }, 'a bug of the agent: the core threw');
      if (event.kind !== 'peer') onExit(CORE_THREW);
      return null;
    }
  }

  /** Said once per change; it stands in /state for as long as it lasts. */
  #tellAilment(before: string | null, now: string | null): void {
    if (now === before) return;
    const { log } = this.#parts;
    if (now !== null) log.warn({ code: now.split(':')[0] }, now);
    else log.info({ code: before?.split(':')[0] }, 'Redis is as it should be again');
  }

  #trace(text: string | undefined): void {
    const { clock, log } = this.#parts;
    if (text !== undefined) log.debug({ clockMs: clock.now() }, text);
  }

  #followPeers(): void {
    const { uid } = this.#parts.core.self;
    this.#parts.followPeers((this.#state.pods ?? []).filter((pod) => pod.uid !== uid));
  }

  /** After the events of one turn: pace, routes, labels, mirror, publication. */
  #settle(): void {
    this.#pace();
    this.#parts.routes.reconcile(this.#state);
    this.#parts.labels.reconcile(labelChanges(this.#state));
    void this.#rounds.mirror();
    this.#publishIfChanged();
  }

  #pace(): void {
    this.#setTick(tickMsOf(this.#state));
    this.#parts.redis.setPollInterval(pollMsOf(this.#state));
  }

  #setTick(ms: number): void {
    if (ms === this.#tickMs || this.#stopped) return;
    this.#tickMs = ms;
    this.#ticker?.cancel();
    this.#dueAt = this.#parts.clock.now() + ms;
    this.#ticker = this.#parts.clock.every(ms, () => this.#tick());
  }

  #tick(): void {
    this.#noticeStall();
    const now = this.#parts.clock.now();
    this.#lastTickAt = now;
    this.#parts.observeLag?.(Math.max(0, now - this.#dueAt));
    this.#dueAt = now + this.#tickMs;
    this.dispatch({ kind: 'tick' });
  }

  /** Whatever comes first after a stall, or a jump of the clock: it is judged by nothing unwatched. */
  #noticeStall(): void {
    if (this.#tickMs === 0) return;
    const now = this.#parts.clock.now();
    const unwatchedMs = now - this.#lastTickAt;
    const lateMs = unwatchedMs - this.#tickMs;
    if (lateMs <= STALL_MS) return;
    this.#lastTickAt = now;
    this.#parts.log.warn({ lateMs: Math.round(lateMs) }, 'the event loop stalled');
    this.#queue.push({ kind: 'stalled', unwatchedMs });
  }

  /** Changes of weight go out at once, offsets ten times a second, and a heartbeat regardless. */
  #publishIfChanged(): void {
    const s = this.#state;
    const now = this.#parts.clock.now();
    const instance = s.redis?.reachable === true ? s.redis.instance : null;
    const face = faceOf(s);
    const sinceMs = now - this.#publishedAt;
    const offset = instance?.offset ?? null;
    const publishMs = isDraining(s) ? 0 : OFFSET_PUBLISH_MS;
    const isMoved = offset !== this.#publishedOffset && sinceMs >= publishMs;
    const isSame = face.every((word, index) => word === this.#face[index]);
    if (isSame && !isMoved && sinceMs < HEARTBEAT_MS) return;
    this.#face = face;
    this.#publishedAt = now;
    this.#publishedOffset = offset;
    this.#parts.publish(this.report());
  }
}
