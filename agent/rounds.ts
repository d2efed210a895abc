// What is looked at again and again, whatever the watches told: pods without an agent, the Lease, the
// Service, claims; and the mirror of the record on our own pod.

import type { Log } from '../src/log.ts';
import type { RouteReport } from '../src/wire.ts';
import type { Clock, Timer } from './clock.ts';
import type { CoreConfig } from './core/model.ts';
import { isManaged, leaseOf, recordOf, seenTerm, selfPod } from './core/view.ts';
import { REMOTE_LOOK_MS, type RunningCore } from './effects.ts';
import type { LeaseAdapter } from './kube/lease.ts';
import type { PodsAdapter } from './kube/pods.ts';
import type { RedisAccess } from './redis/access.ts';
import { lookAt } from './redis/remote.ts';

const PROBE_MS = 500;
/** The watch tells of a new term within so long, unless it is broken. */
const CATCH_UP_AFTER_MS = 50;
/** Where the Lease itself is behind (it was deleted), it is not read in a loop. */
const CATCH_UP_GAP_MS = 500;

export type RoundParts = {
  readonly core: CoreConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly access: RedisAccess;
  readonly lease: LeaseAdapter;
  readonly pods: PodsAdapter;
  readonly syncIntervalMs: number;
  readonly readRoute: () => Promise<RouteReport>;
  readonly isVolumeGone: (claim: string) => Promise<boolean>;
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
  #route: RouteReport | null = null;
  #isStopped = false;
  #isCatchingUp = false;
  #caughtUpAt = Number.NEGATIVE_INFINITY;

  constructor(parts: RoundParts, core: RunningCore) {
    this.#parts = parts;
    this.#core = core;
  }

  /** Where the clients' Service leads, as last seen. */
  get route(): RouteReport | null {
    return this.#route;
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
    const { access, clock } = this.#parts;
    const pods = (this.#core.state.pods ?? []).filter(
      (pod) => !isManaged(this.#core.state, pod) && !pod.terminal && pod.ip !== null,
    );
    await Promise.all(
      pods.map(async (pod) => {
        const seen = await lookAt(access, pod.ip ?? '', REMOTE_LOOK_MS, clock.epochMs());
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
    const route = await this.#parts.readRoute();
    if (!route.ok && route.detail !== this.#route?.detail) {
      log.warn({ service: route.service }, `route to the master: ${route.detail}`);
    }
    this.#route = route;
    await this.#lookForVolumes();
    this.#syncing = false;
  }

  /** A peer knows of a later term: the watch may be broken or silent, so the Lease is read soon. */
  catchUp(): void {
    const { clock } = this.#parts;
    const isTooSoon = clock.now() - this.#caughtUpAt < CATCH_UP_GAP_MS;
    if (this.#isCatchingUp || isTooSoon || !this.#isBehind()) return;
    this.#isCatchingUp = true;
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
      const isGone = await this.#parts.isVolumeGone(volume.slice('pvc/'.length));
      if (isGone) this.#core.dispatch({ kind: 'volume-gone', volume });
    }
  }

  /** Term and lineage on our own pod: a deleted Lease cannot set them back (rule 15). */
  async mirror(): Promise<void> {
    const s = this.#core.state;
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
