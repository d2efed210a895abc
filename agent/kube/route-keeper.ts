// Carries changes of the fast route out: one request per EndpointSlice at a time, a growing pause
// after a failure, and a plain word where it goes on failing. The label route never waits for it.

import type { Log } from '../../src/log.ts';
import type { RouteReport } from '../../src/wire.ts';
import type { Clock, Timer } from '../clock.ts';
import { spread } from '../core/jitter.ts';
import type { AgentState, PodView } from '../core/model.ts';
import { type RouteChange, routeChanges, routeReports, type RouteView } from '../core/route.ts';
import { isAsWanted, type PodPlace, type SliceView } from '../core/slice.ts';
import { Guard } from '../guard.ts';
import type { ApiResult, RoutePort } from '../ports.ts';
import type { SlicesAdapter } from './slices.ts';

const TIMEOUT_MS = 2000;
const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 5000;
const COMPLAIN_AFTER_MS = 2000;

type Attempt = {
  busy: boolean;
  failures: number;
  readonly since: number;
  notBefore: number;
  complaint: string | null;
  /** The name is taken by an object that our watch does not show. */
  isBlind: boolean;
};

export type RouteKeeperParts = {
  readonly slices: SlicesAdapter;
  readonly namespace: string;
  readonly group: string;
  readonly placeOf: (uid: string) => PodPlace | null;
  readonly syncIntervalMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
};

export class RouteKeeper implements RoutePort {
  readonly #parts: RouteKeeperParts;
  readonly #attempts = new Map<string, Attempt>();
  readonly #running = new Set<Promise<void>>();
  #isFollowing = false;
  /** Why the slices cannot be read. */
  #unread: string | null = null;
  #syncer: Timer | null = null;
  readonly #guard: Guard;

  constructor(parts: RouteKeeperParts) {
    this.#parts = parts;
    this.#guard = new Guard(parts.log);
  }

  start(): void {
    const { slices, clock, log, random, syncIntervalMs } = this.#parts;
    const onBroken = (detail: string): void =>
      log.warn({ detail }, 'watch on Services with a fast route broke');
    void slices.watchServices(onBroken, random);
    // What an event should have told is looked at again; and the connection stays warm.
    this.#syncer = clock.every(syncIntervalMs, () => {
      if (!this.#isFollowing) return;
      void this.#refresh();
      this.#lookForStrangers();
    });
  }

  /** Level-triggered: called after every event with what is known now. */
  reconcile(state: AgentState): void {
    if (!this.#hasServices()) return;
    this.#followSlices();
    const changes = routeChanges(state, this.#view(state));
    const needed = new Set(changes.map(({ name }) => name));
    for (const [name, { busy }] of this.#attempts) {
      if (!needed.has(name) && !busy) this.#attempts.delete(name);
    }
    for (const change of changes) {
      // The master's first try goes alone: kube-proxy takes the first change at once and makes
      // the next one wait.
      const attempt = this.#attempts.get(change.name);
      if (!change.isUrgent && this.#isUrgentOpen(changes)) continue;
      if (attempt?.busy === true || this.#parts.clock.now() < (attempt?.notBefore ?? 0)) continue;
      const applying = this.#apply(change).finally(() => this.#running.delete(applying));
      this.#running.add(applying);
    }
  }

  reports(state: AgentState): readonly RouteReport[] {
    if (!this.#hasServices()) return [];
    return routeReports(
      state,
      this.#view(state),
      (slice) => this.#attempts.get(slice)?.complaint ?? this.#unread,
    );
  }

  /** The agent ends: what is still to be written is waited for. */
  async stop(state: AgentState): Promise<void> {
    this.#syncer?.cancel();
    const TRIES_MAX = 3;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      this.reconcile(state);
      if (this.#running.size === 0) return;
      await Promise.all(this.#running);
    }
  }

  #hasServices(): boolean {
    const { slices, group } = this.#parts;
    return (
      (slices.services ?? []).some((each) => each.group === group || each.group === null) ||
      this.#isFollowing
    );
  }

  /** Only where a Service asks for it: whoever does not use the fast route needs no right to it. */
  #followSlices(): void {
    const { slices, group, random } = this.#parts;
    if (this.#isFollowing || !slices.services?.some((each) => each.group === group)) return;
    this.#isFollowing = true;
    const onListed = (): void => {
      this.#unread = null;
      this.#lookForStrangers();
    };
    void slices.watchSlices(onListed, (detail) => this.#onBroken(detail), random);
  }

  /** Only of Services without a selector: the slices of all others are Kubernetes' own. */
  #lookForStrangers(): void {
    const { slices, group } = this.#parts;
    const own = (slices.services ?? []).filter((each) => each.group === group);
    const names = own.filter(({ hasSelector }) => !hasSelector).map(({ name }) => name);
    const look = (): Promise<void> => slices.lookForStrangers(names, TIMEOUT_MS);
    void this.#guard.value('slices.lookForStrangers', look, () => undefined);
  }

  async #refresh(): Promise<void> {
    const refresh = (): Promise<void> => this.#parts.slices.refresh(TIMEOUT_MS);
    await this.#guard.value('slices.refresh', refresh, () => undefined);
  }

  #onBroken(detail: string): void {
    const code = isDenied(detail) ? 'RO_KUBE_DENIED' : 'RO_KUBE_REQUEST';
    const text = `${code}: ${detail}`;
    // A watch ends now and then; only what lasts is told in /state.
    const isNew = this.#unread !== text;
    if (code === 'RO_KUBE_DENIED') this.#unread = text;
    if (!isNew) return;
    if (code === 'RO_KUBE_DENIED') this.#parts.log.error({ code, detail }, 'fast route not kept');
    else this.#parts.log.warn({ detail }, 'watch on EndpointSlices broke');
  }

  #view(state: AgentState): RouteView {
    const { slices, namespace, group, placeOf } = this.#parts;
    const places = (state.pods ?? []).flatMap(({ uid }: PodView) => {
      const place = placeOf(uid);
      return place === null ? [] : ([[uid, place]] as const);
    });
    const { services, slices: kept, strangers } = slices;
    return { namespace, group, services, slices: kept, strangers, places: new Map(places) };
  }

  #isUrgentOpen(changes: readonly RouteChange[]): boolean {
    return changes.some(
      ({ isUrgent, name }) => isUrgent && (this.#attempts.get(name)?.failures ?? 0) === 0,
    );
  }

  async #apply(change: RouteChange): Promise<void> {
    const { slices, clock, log } = this.#parts;
    const { name, current, wanted, to } = change;
    const attempt: Attempt = this.#attempts.get(name) ?? {
      busy: true,
      failures: 0,
      since: clock.now(),
      notBefore: 0,
      complaint: null,
      isBlind: false,
    };
    attempt.busy = true;
    this.#attempts.set(name, attempt);
    const startedAt = clock.now();
    const { isBlind } = attempt;
    const result = await this.#guard.value<ApiResult<SliceView | null>>(
      'slices.write',
      () => slices.write(change, { isBlind, timeoutMs: TIMEOUT_MS }),
      (message) => ({ ok: false, status: 0, message }),
    );
    const written = result.ok ? result.body : null;
    if (result.ok && (written === null || wanted === null || isAsWanted(written, wanted))) {
      this.#attempts.delete(name);
      const tookMs = Math.round(clock.now() - startedAt);
      const what = wanted === null ? 'removed' : current === null ? 'created' : 'changed';
      log.info({ slice: name, to, tookMs }, `EndpointSlice ${what}`);
      return;
    }
    await this.#failed(change, attempt, result);
    attempt.busy = false;
  }

  async #failed(
    { name, current, wanted }: RouteChange,
    attempt: Attempt,
    result: ApiResult<unknown>,
  ): Promise<void> {
    const { slices, clock, log, random } = this.#parts;
    const status = result.ok ? 0 : result.status;
    attempt.failures++;
    const isChanged = status === 409 || status === 404;
    const doubled = BACKOFF_MIN_MS * 2 ** Math.min(attempt.failures - 1, 10);
    const backoffMs = spread(Math.min(BACKOFF_MAX_MS, doubled), random());
    // Clients wait: what only has to be judged anew is tried again at once, the first time.
    attempt.notBefore = clock.now() + (isChanged && attempt.failures === 1 ? 0 : backoffMs);
    if (isChanged) {
      // Somebody was faster: what is there now is judged anew.
      await this.#refresh();
      const isHidden = current === null && !slices.slices?.some((each) => each.name === name);
      attempt.isBlind = status === 409 && isHidden;
    }
    const isLasting = clock.now() - attempt.since >= COMPLAIN_AFTER_MS;
    if (attempt.complaint !== null || (!isLasting && status !== 403)) return;
    const code = status === 403 ? 'RO_KUBE_DENIED' : 'RO_KUBE_REQUEST';
    const verb =
      wanted === null ? 'delete' : current === null && !attempt.isBlind ? 'create' : 'patch';
    const message = result.ok ? 'something else was stored than was sent' : result.message;
    attempt.complaint = `${code}: ${verb} endpointslices: ${message}`;
    log.error({ code, slice: name, verb, detail: message }, 'fast route not kept');
  }
}

function isDenied(detail: string): boolean {
  return /: 40[13] /.test(detail);
}
