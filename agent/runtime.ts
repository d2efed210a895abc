// Feeds events into the core and carries its effects out. The only state here is what is under
// way; whatever is decided is decided in the core.

import type { Log } from '../src/log.ts';
import { VERSION } from '../src/version.ts';
import type { AgentReport, RouteReport } from '../src/wire.ts';
import type { Clock, Timer } from './clock.ts';
import { labelChanges } from './core/labels.ts';
import type {
  AgentEvent,
  AgentState,
  CoreConfig,
  Effect,
  LeaseWrite,
  PodView,
  RedisResult,
} from './core/model.ts';
import { reportOf, unhealthiness, unreadiness } from './core/report.ts';
import { initialState, step } from './core/step.ts';
import { isManaged, leaseOf, recordOf, seenTerm, selfPod } from './core/view.ts';
import type { LabelKeeper } from './kube/label-keeper.ts';
import type { LeaseAdapter } from './kube/lease.ts';
import type { PodsAdapter } from './kube/pods.ts';
import type { RedisAccess } from './redis/access.ts';
import type { LocalRedisAdapter } from './redis/local.ts';
import { fence, hastenSync, lookAt } from './redis/remote.ts';

const HEARTBEAT_MS = 500;
const OFFSET_PUBLISH_MS = 100;
const TICK_BUSY_MS = 20;
const TICK_CALM_MS = 200;
const POLL_BUSY_MS = 10;
const POLL_FENCED_MS = 100;
const POLL_SETTLING_MS = 25;
const POLL_CALM_MS = 250;
const SETTLING_MS = 3000;
const STALL_MS = 250;
const REMOTE_FENCE_MS = 200;
const REMOTE_LOOK_MS = 1000;
const PROBE_MS = 500;

export type RuntimeParts = {
  readonly core: CoreConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly access: RedisAccess;
  readonly redis: LocalRedisAdapter;
  readonly lease: LeaseAdapter;
  readonly pods: PodsAdapter;
  readonly labels: LabelKeeper;
  readonly namespace: string;
  readonly group: string;
  readonly podIP: string;
  readonly syncIntervalMs: number;
  readonly readRoute: () => Promise<RouteReport>;
  readonly isVolumeGone: (claim: string) => Promise<boolean>;
  readonly apiRequests: () => number;
  readonly followPeers: (pods: readonly PodView[]) => void;
  readonly publish: (report: AgentReport) => void;
  readonly onExit: (code: number) => void;
};

export class Runtime {
  readonly #parts: RuntimeParts;
  #state: AgentState;
  readonly #queue: AgentEvent[] = [];
  #running = false;
  #ticker: Timer | null = null;
  #tickMs = 0;
  #lastTickAt: number;
  #face = '';
  #publishedAt = Number.NEGATIVE_INFINITY;
  #publishedOffset: number | null = null;
  #lastDecision: { reason: string; at: string } | null = null;
  #mirrored = '';
  #mirrorBusy = false;
  #probing = false;
  #prober: Timer | null = null;
  #syncer: Timer | null = null;
  #syncing = false;
  #route: RouteReport | null = null;
  #stopped = false;

  constructor(parts: RuntimeParts) {
    this.#parts = parts;
    this.#state = initialState(parts.core, parts.clock.now());
    this.#lastTickAt = parts.clock.now();
  }

  get state(): AgentState {
    return this.#state;
  }

  start(): void {
    this.#setTick(TICK_BUSY_MS);
    this.#prober = this.#parts.clock.every(PROBE_MS, () => void this.#probeUnmanaged());
    this.#syncer = this.#parts.clock.every(this.#parts.syncIntervalMs, () => void this.#sync());
    void this.#sync();
  }

  stop(): void {
    this.#stopped = true;
    this.#ticker?.cancel();
    this.#prober?.cancel();
    this.#syncer?.cancel();
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
      route: this.#route,
      apiRequests: this.#parts.apiRequests(),
    });
  }

  /** Events are handled one after the other, also those that an effect raises meanwhile. */
  dispatch(event: AgentEvent): void {
    if (this.#stopped) return;
    this.#queue.push(event);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        this.#handle(next);
      }
    } finally {
      this.#running = false;
    }
    this.#settle();
  }

  #handle(event: AgentEvent): void {
    const { clock, log } = this.#parts;
    const before = this.#state;
    const { state, effects, reason } = step(before, event, clock.now());
    this.#state = state;
    if (reason !== null) {
      this.#lastDecision = { reason, at: new Date(clock.epochMs()).toISOString() };
      const { phase } = state;
      log.info(
        { state: phase, from: before.phase, term: seenTerm(state), event: event.kind },
        reason,
      );
    }
    for (const effect of effects) this.#carryOut(effect);
    if (event.kind === 'pods') this.#followPeers();
  }

  #followPeers(): void {
    const { uid } = this.#parts.core.self;
    this.#parts.followPeers((this.#state.pods ?? []).filter((pod) => pod.uid !== uid));
  }

  #carryOut(effect: Effect): void {
    const { redis, clock } = this.#parts;
    switch (effect.kind) {
      case 'limbo':
        void this.#finish(effect.id, redis.limbo(effect.cutClients));
        return;
      case 'attach':
        void this.#finish(effect.id, this.#attach(effect.id, effect.host, effect.replid));
        return;
      case 'promote':
        void this.#finish(effect.id, redis.promote(effect.runId, effect.until));
        return;
      case 'open':
        void this.#finish(effect.id, redis.open(effect.until));
        return;
      case 'write-lease':
        void this.#writeLease(effect.id, effect.write);
        return;
      case 'fence-remote':
        for (const { uid, pod, address } of effect.targets) void this.#fence(uid, pod, address);
        return;
      case 'exit':
        clock.after(0, () => this.#parts.onExit(effect.code));
        return;
    }
  }

  async #finish(id: number, running: Promise<RedisResult>): Promise<void> {
    const result = await running;
    if (!result.ok) {
      this.#parts.log.warn({ detail: result.detail }, 'a role command was not carried out');
    }
    this.dispatch({ kind: 'redis-done', id, result });
  }

  /** Attaches only to a master that shows the recorded replication id (rule 23). */
  async #attach(id: number, host: string, replid: string): Promise<RedisResult> {
    const { access, clock, redis, log } = this.#parts;
    const target = await lookAt(access, host, REMOTE_LOOK_MS, clock.epochMs());
    if (!target.ok) return { ok: false, refused: false, detail: `${host}: ${target.detail}` };
    if (target.instance.role !== 'master' || target.instance.replid !== replid) {
      const shown = `${target.instance.role} of ${target.instance.replid}`;
      return {
        ok: false,
        refused: false,
        detail: `${host} is a ${shown}, not the master of ${replid}`,
      };
    }
    const pod = this.#state.pods?.find(({ ip }) => ip === host);
    if (pod !== undefined && !isManaged(this.#state, pod)) {
      const hastened = await hastenSync(access, host, REMOTE_LOOK_MS);
      if (!hastened.ok) log.warn({ host, detail: hastened.detail }, 'the first sync starts later');
    }
    // Something more urgent may have been asked meanwhile: a late REPLICAOF would undo it.
    if (this.#state.pendingRedis?.id !== id) {
      return { ok: false, refused: false, detail: 'superseded' };
    }
    return redis.replicateFrom(host, access.port);
  }

  async #writeLease(id: number, write: LeaseWrite): Promise<void> {
    const { lease, clock, log, core } = this.#parts;
    const { requestTimeoutMs } = core.timing;
    const done = await lease.write(write, requestTimeoutMs, clock.epochMs());
    if (done.outcome !== 'ok') {
      log.warn({ op: write.op, outcome: done.outcome, detail: done.detail }, 'Lease not written');
    }
    this.dispatch({ kind: 'lease-written', id, outcome: done.outcome, lease: done.lease });
    if (done.absent) this.dispatch({ kind: 'lease', lease: null });
    if (done.outcome !== 'timeout' && done.outcome !== 'error') return;
    const read = await lease.read(requestTimeoutMs);
    if (read.ok) this.dispatch({ kind: 'lease', lease: read.body });
  }

  async #fence(uid: string, pod: string, address: string): Promise<void> {
    const { access, log } = this.#parts;
    // A master without agent may be busy saving its data as it ends.
    const timeoutMs = this.#state.unmanaged.has(uid) ? REMOTE_LOOK_MS : REMOTE_FENCE_MS;
    const result = await fence(access, address, timeoutMs);
    const outcome = result.ok ? 'limbo' : result.refused ? 'refused' : 'silent';
    log.info({ target: pod, address, outcome }, 'fenced before the promotion');
    const instance = result.ok ? result.instance : null;
    this.dispatch({ kind: 'remote-fenced', uid, instance });
  }

  /** Pods without an agent are looked at directly: they may hold the data. */
  async #probeUnmanaged(): Promise<void> {
    if (this.#probing || this.#stopped) return;
    this.#probing = true;
    const { access, clock } = this.#parts;
    const pods = (this.#state.pods ?? []).filter(
      (pod) => !isManaged(this.#state, pod) && !pod.terminal && pod.ip !== null,
    );
    await Promise.all(
      pods.map(async (pod) => {
        const seen = await lookAt(access, pod.ip ?? '', REMOTE_LOOK_MS, clock.epochMs());
        this.dispatch({
          kind: 'unmanaged',
          uid: pod.uid,
          probe: seen.ok
            ? {
                reachable: true,
                instance: seen.instance,
                pod: pod.name,
                volume: pod.volume,
                seenAt: clock.now(),
              }
            : { reachable: false },
        });
      }),
    );
    this.#probing = false;
  }

  /** Level-triggered: what an event should have told is looked at again, whatever was missed. */
  async #sync(): Promise<void> {
    if (this.#syncing || this.#stopped) return;
    this.#syncing = true;
    const { lease, core, log } = this.#parts;
    const read = await lease.read(core.timing.requestTimeoutMs);
    if (read.ok) this.dispatch({ kind: 'lease', lease: read.body });
    const route = await this.#parts.readRoute();
    if (!route.ok && route.detail !== this.#route?.detail) {
      log.warn({ service: route.service }, `route to the master: ${route.detail}`);
    }
    this.#route = route;
    await this.#lookForVolumes();
    this.#syncing = false;
  }

  /** Nobody waits for the data of a volume that does not exist any more. */
  async #lookForVolumes(): Promise<void> {
    const s = this.#state;
    if (s.phase !== 'Fenced') return;
    const names = new Set((s.pods ?? []).map((pod) => pod.name));
    for (const [pod, { volume }] of Object.entries(recordOf(s).datasets)) {
      if (names.has(pod) || !volume.startsWith('pvc/') || s.goneVolumes.has(volume)) continue;
      const isGone = await this.#parts.isVolumeGone(volume.slice('pvc/'.length));
      if (isGone) this.dispatch({ kind: 'volume-gone', volume });
    }
  }

  /** After the events of one turn: pace, labels, mirror, publication. */
  #settle(): void {
    this.#pace();
    this.#parts.labels.reconcile(labelChanges(this.#state));
    void this.#mirror();
    this.#publishIfChanged();
  }

  #pace(): void {
    const s = this.#state;
    const isCalm = s.phase === 'Leading' || s.phase === 'Following';
    const isRedisGone = s.redis?.reachable === false;
    this.#setTick(isCalm && !isRedisGone ? TICK_CALM_MS : TICK_BUSY_MS);
    const holder = s.peers.get(leaseOf(s)?.holder?.uid ?? '');
    // The master's agent says that its Redis is gone: our link breaks within milliseconds.
    const isSuspicious = s.phase === 'Following' && holder?.report.role === 'unknown';
    // A new master takes a new id at the first attachment, and a new replica waits for its stream:
    // both are noticed at once, so that the others need not wait.
    const isSettling = isCalm && s.now - s.phaseSince < SETTLING_MS;
    const isBusy = !isCalm && s.phase !== 'Fenced';
    const calmMs = s.phase === 'Fenced' ? POLL_FENCED_MS : POLL_CALM_MS;
    const settledMs = isSettling ? POLL_SETTLING_MS : calmMs;
    this.#parts.redis.setPollInterval(isSuspicious || isBusy ? POLL_BUSY_MS : settledMs);
  }

  #setTick(ms: number): void {
    if (ms === this.#tickMs || this.#stopped) return;
    this.#tickMs = ms;
    this.#ticker?.cancel();
    this.#ticker = this.#parts.clock.every(ms, () => this.#tick());
  }

  #tick(): void {
    const now = this.#parts.clock.now();
    const lateMs = now - this.#lastTickAt - this.#tickMs;
    this.#lastTickAt = now;
    if (lateMs > STALL_MS) {
      this.#parts.log.warn({ lateMs: Math.round(lateMs) }, 'the event loop stalled');
      this.dispatch({ kind: 'stalled' });
    }
    this.dispatch({ kind: 'tick' });
  }

  /** Changes of weight go out at once, offsets ten times a second, and a heartbeat regardless. */
  #publishIfChanged(): void {
    const s = this.#state;
    const now = this.#parts.clock.now();
    const instance = s.redis?.reachable === true ? s.redis.instance : null;
    const face = JSON.stringify([
      s.phase,
      s.frozenTerm,
      seenTerm(s),
      s.redis?.reachable === false && s.redis.refused,
      instance === null
        ? null
        : [
            instance.runId,
            instance.role,
            instance.upstream,
            instance.linkUp,
            instance.syncing,
            instance.loading,
            instance.replid,
            instance.priority,
          ],
      s.promise?.round,
      s.failsafe.round,
      s.attachment?.caughtUp,
      s.terminating || selfPod(s)?.leaving,
      s.problem,
    ]);
    const sinceMs = now - this.#publishedAt;
    const offset = instance?.offset ?? null;
    const isMoved = offset !== this.#publishedOffset && sinceMs >= OFFSET_PUBLISH_MS;
    if (face === this.#face && !isMoved && sinceMs < HEARTBEAT_MS) return;
    this.#face = face;
    this.#publishedAt = now;
    this.#publishedOffset = offset;
    this.#parts.publish(this.report());
  }

  /** Term and lineage on our own pod: a deleted Lease cannot set them back (rule 15). */
  async #mirror(): Promise<void> {
    const s = this.#state;
    const pod = selfPod(s);
    const lineage = leaseOf(s)?.record.lineage ?? [];
    const term = leaseOf(s)?.term ?? 0;
    const isSettled = s.phase === 'Leading' || s.phase === 'Following';
    if (pod === null || lineage.length === 0 || !isSettled || this.#mirrorBusy) return;
    const text = `${term} ${lineage.at(-1)?.replid ?? ''}`;
    if (text === this.#mirrored || recordOf(s).lineage !== lineage) return;
    this.#mirrorBusy = true;
    const RETRY_MS = 2000;
    const result = await this.#parts.pods.setMirror(pod, { term, lineage }, RETRY_MS);
    if (result.ok) this.#mirrored = text;
    else {
      this.#parts.log.warn({ detail: result.message }, 'term not mirrored on the pod');
      await this.#parts.clock.sleep(RETRY_MS);
    }
    this.#mirrorBusy = false;
  }
}
