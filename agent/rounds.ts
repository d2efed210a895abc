// What is looked at again and again, whatever the watches told: pods without an agent, the Lease, the
// Service, claims; and the mirror of the record on our own pod.

import type { Log } from '../src/log.ts';
import type { RouteReport } from '../src/wire.ts';
import type { Clock, Timer } from './clock.ts';
import type { CoreConfig } from './core/model.ts';
import { jitterOf, spread } from './core/jitter.ts';
import { lastOpening } from './core/lineage.ts';
import { withoutDetails } from './core/term-details.ts';
import { isManaged, leaseOf, recordOf, seenTerm, selfPod } from './core/view.ts';
import { REMOTE_LOOK_MS, type RunningCore } from './effects.ts';
import type { LeasePort, PodsPort, RemoteRedisPort, RoutePort } from './ports.ts';

const PROBE_MS = 500;
/** The watch tells of a new term within so long, unless it is broken. */
const CATCH_UP_AFTER_MS = 50;
/** Where the Lease itself is behind (it was deleted), it is not read in a loop. */
const CATCH_UP_GAP_MS = 500;
const MIRROR_TIMEOUT_MS = 2000;
const MIRROR_RETRY_MIN_MS = 2000;
const MIRROR_RETRY_MAX_MS = 15_000;

export type RoundParts = {
  readonly core: CoreConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly remoteRedis: RemoteRedisPort;
  readonly lease: LeasePort;
  readonly pods: PodsPort;
  readonly syncIntervalMs: number;
  readonly routes: RoutePort;
  readonly readRoute: () => Promise<readonly RouteReport[]>;
};

export class Rounds {
  readonly #parts: RoundParts;
  readonly #core: RunningCore;
  #prober: Timer | null = null;
  #syncer: Timer | null = null;
  #probing = false;
  #syncing = false;
  #mirrored = '';
  #mirrorBusy = false;
  #mirrorFailures = 0;
  #labelRoutes: readonly RouteReport[] = [];
  #complaints: ReadonlySet<string> = new Set();
  #isStopped = false;
  #isCatchingUp = false;
  #caughtUpAt = Number.NEGATIVE_INFINITY;
  #catchUps = 0;

  constructor(parts: RoundParts, core: RunningCore) {
    this.#parts = parts;
    this.#core = core;
  }

  /** Where the clients' Services lead: by label as last seen, the fast ones as known now. */
  get route(): readonly RouteReport[] {
    return [...this.#labelRoutes, ...this.#parts.routes.reports(this.#core.state)];
  }

  start(): void {
    const { clock, syncIntervalMs } = this.#parts;
    this.#prober = clock.every(PROBE_MS, () => void this.#probeUnmanaged());
    this.#syncer = clock.every(syncIntervalMs, () => void this.#sync());
    void this.#sync();
  }

  stop(): void {
    this.#isStopped = true;
    this.#prober?.cancel();
    this.#syncer?.cancel();
  }

  /** Pods without an agent are looked at directly: they may hold the data. */
  async #probeUnmanaged(): Promise<void> {
    if (this.#probing || this.#isStopped) return;
    this.#probing = true;
    const { remoteRedis, clock } = this.#parts;
    const pods = (this.#core.state.pods ?? []).filter(
      (pod) => !isManaged(this.#core.state, pod) && !pod.terminal && pod.ip !== null,
    );
    await Promise.all(
      pods.map(async (pod) => {
        const seen = await remoteRedis.look(pod.ip ?? '', REMOTE_LOOK_MS);
        this.#core.dispatch({
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
    if (this.#syncing || this.#isStopped) return;
    this.#syncing = true;
    const { lease, core, log } = this.#parts;
    const read = await lease.read(core.timing.requestTimeoutMs);
    if (read.ok) this.#core.dispatch({ kind: 'lease', lease: read.body });
    this.#labelRoutes = await this.#parts.readRoute();
    const bad = this.route.filter(({ ok }) => !ok);
    for (const { service, kind, detail } of bad) {
      if (!this.#complaints.has(detail)) log.warn({ service, kind }, `route: ${detail}`);
    }
    this.#complaints = new Set(bad.map(({ detail }) => detail));
    await this.#lookForVolumes();
    this.#syncing = false;
  }

  /** A peer knows of a later term: the watch may be broken or silent, so the Lease is read soon. */
  catchUp(): void {
    const { clock, core } = this.#parts;
    const share = jitterOf(core.self.agentId, this.#catchUps);
    const isTooSoon = clock.now() - this.#caughtUpAt < CATCH_UP_GAP_MS * (1 + share);
    if (this.#isCatchingUp || isTooSoon || !this.#isBehind()) return;
    this.#isCatchingUp = true;
    this.#catchUps++;
    clock.after(CATCH_UP_AFTER_MS, () => void this.#readIfBehind());
  }

  #isBehind(): boolean {
    return seenTerm(this.#core.state) > (leaseOf(this.#core.state)?.term ?? 0);
  }

  async #readIfBehind(): Promise<void> {
    const { lease, core, clock } = this.#parts;
    if (this.#isBehind() && !this.#isStopped) {
      const read = await lease.read(core.timing.requestTimeoutMs);
      this.#caughtUpAt = clock.now();
      if (read.ok) this.#core.dispatch({ kind: 'lease', lease: read.body });
    }
    this.#isCatchingUp = false;
  }

  /** Nobody waits for the data of a volume that does not exist any more. */
  async #lookForVolumes(): Promise<void> {
    const s = this.#core.state;
    if (s.phase !== 'Fenced') return;
    const names = new Set((s.pods ?? []).map((pod) => pod.name));
    for (const [pod, { volume }] of Object.entries(recordOf(s).datasets)) {
      if (names.has(pod) || !volume.startsWith('pvc/') || s.goneVolumes.has(volume)) continue;
      const { pods, core } = this.#parts;
      const claim = volume.slice('pvc/'.length);
      const isGone = await pods.isClaimGone(claim, core.timing.requestTimeoutMs);
      if (isGone) this.#core.dispatch({ kind: 'volume-gone', volume });
    }
  }

  /** What a deleted Lease would take with it is kept on our own pod (rule 15). */
  async mirror(): Promise<void> {
    const s = this.#core.state;
    const pod = selfPod(s);
    const lease = leaseOf(s);
    const isSettled = s.phase === 'Leading' || s.phase === 'Following';
    if (pod === null || lease === null || !isSettled || this.#mirrorBusy) return;
    const { lineage, datasets } = lease.record;
    if (lineage.length === 0) return;
    const dataset = datasets[pod.name] ?? null;
    const text = `${lease.term} ${lineage.at(-1)?.replid ?? ''} ${dataset?.volume}`;
    if (text === this.#mirrored) return;
    const last = lastOpening(lease.record);
    // Its reason may be needed again; its details are for people alone.
    const opening = last === undefined ? null : withoutDetails(last);
    const mirror = { term: lease.term, lineage, dataset, opening };
    this.#mirrorBusy = true;
    const result = await this.#parts.pods.setMirror(pod, mirror, MIRROR_TIMEOUT_MS);
    if (result.ok) {
      this.#mirrored = text;
      this.#mirrorFailures = 0;
    } else {
      this.#parts.log.warn({ detail: result.message }, 'term not mirrored on the pod');
      const failures = ++this.#mirrorFailures;
      const doubled = MIRROR_RETRY_MIN_MS * 2 ** Math.min(failures - 1, 10);
      const share = jitterOf(s.config.self.agentId, failures);
      await this.#parts.clock.sleep(spread(Math.min(MIRROR_RETRY_MAX_MS, doubled), share));
    }
    this.#mirrorBusy = false;
  }
}
