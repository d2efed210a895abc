// A local adapter whose reports are kept, so that a test can wait for one and look back.

import type { Test } from 'tap';
import { type Clock, systemClock } from '../../agent/clock.ts';
import type { Instance, LocalRedis } from '../../agent/core/model.ts';
import type { RedisAccess } from '../../agent/redis/access.ts';
import { LocalRedisAdapter } from '../../agent/redis/local.ts';
import { waitFor } from '../harness/wait-for.ts';
import { accessWith, PATIENCE_MS, type Server } from './setup.ts';

/** A running LocalRedisAdapter, and all that it reported. */
export class Watched {
  readonly adapter: LocalRedisAdapter;
  readonly reports: LocalRedis[] = [];
  /** One entry for each connection that was made ready. */
  readonly refusedSettings: (readonly string[])[] = [];

  constructor(
    t: Test,
    server: { readonly address: string },
    options: {
      readonly access?: Partial<RedisAccess>;
      readonly timeoutMs?: number;
      readonly minReplicas?: number;
      readonly isolates?: boolean;
      readonly clock?: Clock;
      readonly onReport?: (redis: LocalRedis) => void;
    } = {},
  ) {
    this.adapter = new LocalRedisAdapter({
      access: accessWith(options.access),
      host: server.address,
      timeoutMs: options.timeoutMs ?? PATIENCE_MS,
      minReplicas: options.minReplicas ?? null,
      isolates: options.isolates ?? false,
      clock: options.clock ?? systemClock,
      log: { debug() {}, info() {}, warn() {}, error() {} },
      onChange: (redis) => {
        this.reports.push(redis);
        options.onReport?.(redis);
      },
      onRefusedSettings: (refused) => this.refusedSettings.push(refused),
    });
    t.teardown(() => this.adapter.stop());
    this.adapter.start();
  }

  get last(): LocalRedis | undefined {
    return this.reports.at(-1);
  }

  /** The first report from now on that is like this. */
  async next<T>(what: string, find: (redis: LocalRedis) => T | undefined | false): Promise<T> {
    let seen = this.reports.length;
    return await waitFor(
      `the adapter reports ${what}`,
      () => {
        while (seen < this.reports.length) {
          const report = this.reports[seen++];
          const found = report === undefined ? undefined : find(report);
          if (found !== undefined && found !== false) return found;
        }
        return undefined;
      },
      { timeoutMs: PATIENCE_MS, everyMs: 2, picture: () => JSON.stringify(this.last) },
    );
  }

  /** Connected and prepared for the n-th time. */
  async ready(times = 1): Promise<Instance> {
    const isPrepared = (): boolean => this.refusedSettings.length >= times;
    const picture = (): string => JSON.stringify(this.last);
    await waitFor('the adapter is connected', isPrepared, { timeoutMs: PATIENCE_MS, picture });
    const { last } = this;
    return last?.reachable === true ? last.instance : await this.next('an instance', instanceIn);
  }

  /** Its connection is cut, and it comes again. */
  async reconnect(server: Server): Promise<Instance> {
    const times = this.refusedSettings.length + 1;
    await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
    return await this.ready(times);
  }
}

export function instanceIn(redis: LocalRedis): Instance | undefined {
  return redis.reachable ? redis.instance : undefined;
}

export type Unreachable = Extract<LocalRedis, { reachable: false }>;

export function silenceIn(redis: LocalRedis): Unreachable | undefined {
  return redis.reachable ? undefined : redis;
}
