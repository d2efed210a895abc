// The metrics of this agent for Prometheus: counted at each step of the core, read at a scrape.

import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Promotion } from '../../src/group-facts.ts';
import type { GroupView } from '../../src/group-view.ts';
import { COMMIT, VERSION } from '../../src/version.ts';
import type { Clock } from '../clock.ts';
import type { AgentState } from '../core/model.ts';
import { countsOf, type Observed } from './counts.ts';
import { gaugesOf, isSettled } from './gauges.ts';
import {
  BUILD_INFO,
  combinations,
  type CounterName,
  COUNTERS,
  fullName,
  type GaugeName,
  GAUGES,
  type HistogramName,
  HISTOGRAMS,
  type Metric,
} from './table.ts';

type Table = Readonly<Record<string, Metric>>;

export class Metrics {
  readonly #clock: Clock;
  readonly #isApiReachable: () => boolean;
  readonly #registry = new Registry();
  readonly #gauges: ReadonlyMap<GaugeName, Gauge>;
  readonly #counters: ReadonlyMap<CounterName, Counter>;
  readonly #histograms: ReadonlyMap<HistogramName, Histogram>;
  #inSyncAt: number;
  #promotedAtEpochSeconds = 0;

  constructor(group: string, clock: Clock, isApiReachable: () => boolean) {
    this.#clock = clock;
    this.#isApiReachable = isApiReachable;
    this.#inSyncAt = clock.now();
    this.#registry.setDefaultLabels({ group });
    this.#gauges = this.#made(GAUGES, (options) => new Gauge(options)) as ReadonlyMap<
      GaugeName,
      Gauge
    >;
    this.#counters = this.#made(COUNTERS, (options) => new Counter(options)) as ReadonlyMap<
      CounterName,
      Counter
    >;
    this.#histograms = new Map(
      Object.entries(HISTOGRAMS).map(([name, { help, buckets }]) => {
        const options = { name: fullName(name), help, buckets: [...buckets] };
        return [name as HistogramName, new Histogram({ ...options, registers: [this.#registry] })];
      }),
    );
    for (const [name, metric] of Object.entries<Metric>(COUNTERS)) {
      for (const labels of combinations(metric)) {
        this.#counters.get(name as CounterName)?.inc(labels, 0);
      }
    }
    new Gauge({
      name: fullName('build_info'),
      help: BUILD_INFO.help,
      labelNames: BUILD_INFO.labels,
      registers: [this.#registry],
    }).set({ version: VERSION, commit: COMMIT }, 1);
  }

  #made<T>(
    table: Table,
    make: (options: {
      name: string;
      help: string;
      labelNames: string[];
      registers: Registry[];
    }) => T,
  ): ReadonlyMap<string, T> {
    return new Map(
      Object.entries(table).map(([name, metric]) => {
        const labelNames = Object.keys(metric.labels ?? {});
        const options = { name: fullName(name), help: metric.help, labelNames };
        return [name, make({ ...options, registers: [this.#registry] })];
      }),
    );
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  observe(step: Observed): void {
    const { before, event, after } = step;
    for (const { name, by, labels = {} } of countsOf(step))
      this.#counters.get(name)?.inc(labels, by);
    if (isSettled(after)) this.#inSyncAt = after.now;
    if (event.kind === 'lease-written' && before.pendingWrite?.id === event.id) {
      this.#time('lease_request_duration_seconds', after.now - before.pendingWrite.sentAt);
    }
    const { promotion } = after;
    if (promotion !== null && promotion !== before.promotion) this.#observePromotion(promotion);
  }

  /** How late a tick came. */
  observeLag(ms: number): void {
    this.#time('event_loop_lag_seconds', ms);
  }

  #observePromotion({ kind, pauseMs }: Promotion): void {
    this.#promotedAtEpochSeconds = this.#clock.epochMs() / 1000;
    if (pauseMs === null || kind === 'cold') return;
    const name = kind === 'planned' ? 'write_pause_seconds' : 'failover_duration_seconds';
    this.#time(name, pauseMs);
  }

  #time(name: HistogramName, ms: number): void {
    this.#histograms.get(name)?.observe(ms / 1000);
  }

  async text(state: AgentState, view: GroupView): Promise<string> {
    const readings = gaugesOf(state, {
      now: this.#clock.now(),
      view,
      isApiReachable: this.#isApiReachable(),
      inSyncAt: this.#inSyncAt,
      promotedAtEpochSeconds: this.#promotedAtEpochSeconds,
    });
    for (const { name, value, labels = {} } of readings) this.#gauges.get(name)?.set(labels, value);
    return await this.#registry.metrics();
  }
}
