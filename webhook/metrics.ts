// The metrics of the webhook, for Prometheus. Labels are the stable codes of core/reason-table.ts; every combination
// that can come is there from the start, so that a rate never misses the first one.

import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { COMMIT, VERSION } from '../src/version.ts';
import type { CertificateWatcher } from './certs/source.ts';
import { type OUTCOMES, REASONS } from './core/reason-table.ts';
import type { Decision } from './core/plan.ts';
import { toldReasons } from './core/told.ts';

const PREFIX = 'redis_orchestrator_webhook_';
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

type Reviewed = 'injected' | 'skipped' | 'denied' | 'error';
/** `unreadable`: no AdmissionReview; `failed`: a pod that we could not read. */
export type ReviewFault = 'unreadable' | 'failed';

/** How a review may end, by what its main reason makes of a pod. */
const ENDS: Readonly<Record<keyof typeof OUTCOMES, readonly Reviewed[]>> = {
  silent: ['skipped'],
  skip: ['skipped'],
  'skip-or-deny': ['skipped', 'denied'],
  deny: ['denied'],
  weaker: [],
  running: [],
  offline: [],
  uninject: [],
};

const CODES = Object.entries(REASONS).map(([code, { outcome }]) => ({ code, outcome }));
const KINDS = ['ca', 'leaf'] as const;

function reviewSeries(): readonly { outcome: Reviewed; reason: string }[] {
  return [
    { outcome: 'injected', reason: '' },
    ...CODES.flatMap(({ code, outcome }) =>
      ENDS[outcome].map((end) => ({ outcome: end, reason: code })),
    ),
    { outcome: 'error', reason: 'unreadable' },
    { outcome: 'error', reason: 'failed' },
  ];
}

export class WebhookMetrics {
  readonly registry = new Registry();
  readonly #reviews = this.#counter(
    'reviews_total',
    'Reviews of pods; of one that is skipped or denied with its first reason.',
    ['outcome', 'reason'],
  );
  readonly #duration = new Histogram({
    name: `${PREFIX}review_duration_seconds`,
    help: 'Time of one decision, without TLS and network.',
    labelNames: ['outcome'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly #warnings = this.#counter(
    'warnings_total',
    'What was told about pods (docs/reasons.md): one review may tell several.',
    ['code'],
  );
  readonly #uninjected = this.#gauge(
    'uninjected_pods',
    'Pods that run without the agent that they should have; told by the leader alone.',
    ['target_namespace'],
  );
  readonly #outdated = this.#gauge(
    'outdated_pods',
    'Pods whose agent is of another image than this webhook injects; told by the leader alone.',
    ['target_namespace'],
  );
  readonly #expiry = this.#gauge(
    'certificate_expiry_timestamp_seconds',
    'End of the certificate, in seconds since 1970; of the authority only where it is known.',
    ['kind'],
  );
  readonly #rotations = this.#counter(
    'certificate_rotations_total',
    'Certificates that were issued or read anew, and failed attempts.',
    ['kind', 'outcome'],
  );
  readonly #inSync = this.#gauge(
    'ca_bundle_in_sync',
    '1 where the configuration of the webhook trusts our authority, as of the last look.',
    [],
  );
  readonly #clock = this.#gauge(
    'clock_offset_seconds',
    'By how much the clock of the API server is ahead of this one.',
    [],
  );
  readonly #namespaceErrors = this.#counter(
    'namespace_errors_total',
    'Failed attempts to prepare a namespace.',
    [],
  );
  readonly #leader = this.#gauge('leader', '1 for the replica that works the controller.', []);

  constructor() {
    this.#gauge('build_info', 'Which webhook this is; always 1.', ['version', 'commit']).set(
      { version: VERSION, commit: COMMIT },
      1,
    );
    for (const labels of reviewSeries()) this.#reviews.inc(labels, 0);
    for (const outcome of ['injected', 'skipped', 'denied', 'error'])
      this.#duration.zero({ outcome });
    for (const { code, outcome } of CODES) {
      const isTold = ENDS[outcome].length > 0 ? outcome !== 'silent' : outcome === 'weaker';
      if (isTold) this.#warnings.inc({ code }, 0);
    }
    for (const kind of KINDS) {
      for (const outcome of ['ok', 'error']) this.#rotations.inc({ kind, outcome }, 0);
    }
  }

  #counter<T extends string>(name: string, help: string, labelNames: T[]): Counter<T> {
    return new Counter({ name: `${PREFIX}${name}`, help, labelNames, registers: [this.registry] });
  }

  #gauge<T extends string>(name: string, help: string, labelNames: T[]): Gauge<T> {
    return new Gauge({ name: `${PREFIX}${name}`, help, labelNames, registers: [this.registry] });
  }

  reviewed(decision: Decision, ms: number): void {
    const [outcome, reason] = endOf(decision);
    this.#reviews.inc({ outcome, reason });
    this.#duration.observe({ outcome }, ms / 1000);
    for (const { code } of toldReasons(decision)) this.#warnings.inc({ code });
  }

  failed(reason: ReviewFault, ms: number): void {
    this.#reviews.inc({ outcome: 'error', reason });
    this.#duration.observe({ outcome: 'error' }, ms / 1000);
  }

  /** By namespace; those that are not named any more lose their series. */
  counted(pods: {
    readonly uninjected: ReadonlyMap<string, number>;
    readonly outdated: ReadonlyMap<string, number>;
  }): void {
    for (const [gauge, counts] of [
      [this.#uninjected, pods.uninjected],
      [this.#outdated, pods.outdated],
    ] as const) {
      gauge.reset();
      for (const [target_namespace, count] of counts) gauge.set({ target_namespace }, count);
    }
  }

  readonly certificates: CertificateWatcher = {
    ends: (kind, atMs) => this.#expiry.set({ kind }, atMs / 1000),
    rotated: (kind, isDone) => this.#rotations.inc({ kind, outcome: isDone ? 'ok' : 'error' }),
    trusted: (isInSync) => this.#inSync.set(isInSync ? 1 : 0),
  };

  offset(ms: number): void {
    this.#clock.set(ms / 1000);
  }

  namespaceFailed(): void {
    this.#namespaceErrors.inc();
  }

  leads(isLeader: boolean): void {
    this.#leader.set(isLeader ? 1 : 0);
  }
}

function endOf(decision: Decision): readonly [Reviewed, string] {
  switch (decision.kind) {
    case 'inject':
      return ['injected', ''];
    case 'skip':
      return ['skipped', decision.reason.code];
    case 'deny':
      return ['denied', decision.reasons[0]?.code ?? ''];
  }
}
