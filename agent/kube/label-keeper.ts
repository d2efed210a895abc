// Carries label changes out: one patch per pod at a time, backoff per pod, and a plain word
// where it goes on failing. A failure on one pod never holds up another.

import type { Log } from '../../src/log.ts';
import type { Clock } from '../clock.ts';
import { spread } from '../core/jitter.ts';
import type { LabelChange } from '../core/labels.ts';
import { Guard, guardPods } from '../guard.ts';
import type { PodsPort } from '../ports.ts';

/** As for the Lease: clients find no master until the patch is through, and it may be repeated. */
const TIMEOUT_MS = 800;
const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 2000;
const COMPLAIN_AFTER_MS = 2000;

type Attempt = {
  busy: boolean;
  failures: number;
  since: number;
  notBefore: number;
  complained: boolean;
};

export class LabelKeeper {
  readonly #pods: PodsPort;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #random: () => number;
  readonly #attempts = new Map<string, Attempt>();
  /** What was just written, until the watch shows it: no second patch meanwhile. */
  readonly #written = new Map<string, string | null>();

  constructor(pods: PodsPort, clock: Clock, log: Log, random: () => number) {
    this.#pods = guardPods(pods, new Guard(log));
    this.#random = random;
    this.#clock = clock;
    this.#log = log;
  }

  /** Level-triggered: called with all changes that are still needed. */
  reconcile(changes: readonly LabelChange[]): void {
    const needed = new Set(changes.map(({ pod }) => pod.uid));
    for (const uid of this.#attempts.keys()) {
      if (!needed.has(uid) && this.#attempts.get(uid)?.busy !== true) this.#attempts.delete(uid);
    }
    for (const uid of this.#written.keys()) if (!needed.has(uid)) this.#written.delete(uid);
    const now = this.#clock.now();
    for (const change of changes) {
      const { uid } = change.pod;
      if (this.#written.has(uid) && this.#written.get(uid) === change.role) continue;
      const attempt = this.#attempts.get(uid);
      if (attempt?.busy === true || (attempt !== undefined && now < attempt.notBefore)) continue;
      void this.#apply(change, attempt);
    }
  }

  async #apply(change: LabelChange, previous: Attempt | undefined): Promise<void> {
    const { pod, role } = change;
    const attempt: Attempt = previous ?? {
      busy: true,
      failures: 0,
      since: this.#clock.now(),
      notBefore: 0,
      complained: false,
    };
    attempt.busy = true;
    this.#attempts.set(pod.uid, attempt);
    const result = await this.#pods.setRole(pod, role, TIMEOUT_MS);
    attempt.busy = false;
    if (result.ok || result.status === 404 || result.status === 409) {
      // 404 and 409: the pod is gone or another one has its name; the watch will tell.
      this.#attempts.delete(pod.uid);
      if (result.ok) {
        this.#written.set(pod.uid, role);
        this.#clock.after(COMPLAIN_AFTER_MS, () => this.#written.delete(pod.uid));
        this.#log.info({ target: pod.name, from: pod.role, to: role }, 'role label changed');
      }
      return;
    }
    attempt.failures++;
    const now = this.#clock.now();
    const doubled = BACKOFF_MIN_MS * 2 ** Math.min(attempt.failures, 10);
    const backoffMs = spread(Math.min(BACKOFF_MAX_MS, doubled), this.#random());
    attempt.notBefore = now + backoffMs;
    if (attempt.complained || (now - attempt.since < COMPLAIN_AFTER_MS && result.status !== 403))
      return;
    attempt.complained = true;
    const code = result.status === 403 ? 'RO_KUBE_DENIED' : 'RO_KUBE_REQUEST';
    this.#log.error(
      { code, target: pod.name, role, detail: result.message },
      'role label not changed',
    );
  }
}
