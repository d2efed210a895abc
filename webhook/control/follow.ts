// Follows a list of objects: a list, then a watch from there, again whenever it ends. Level-based:
// after every list the whole state is known, so a missed change is only late, never lost.

import { setTimeout as delay } from 'node:timers/promises';
import type { Watch } from '@kubernetes/client-node';
import type { Log } from '../../src/log.ts';
import { kubeMessage } from '../kube.ts';

export type Followed = {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string | Date;
  };
};

export type FollowOptions<T extends Followed> = {
  readonly watch: Watch;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly list: () => Promise<{ items: T[]; metadata?: { resourceVersion?: string } }>;
  /** `object` is undefined when it is gone; `key` is namespace/name. */
  readonly onChange: (key: string, object: T | undefined, former: T | undefined) => void;
  readonly log: Log;
};

const BACKOFF_MS_MAX = 15_000;
/** Shorter than client-node's own limit for a silent watch. */
const WATCH_SECONDS = 25;

export class Follower<T extends Followed> {
  readonly objects = new Map<string, T>();
  private readonly options: FollowOptions<T>;
  private hasListed = false;

  constructor(options: FollowOptions<T>) {
    this.options = options;
  }

  get isSynced(): boolean {
    return this.hasListed;
  }

  /** Runs until the process ends. */
  async run(): Promise<never> {
    let backoffMs = 250;
    let version: string | undefined;
    for (;;) {
      try {
        version ??= await this.list();
        version = await this.follow(version);
        backoffMs = 250;
      } catch (error) {
        version = undefined;
        this.options.log.warn(
          { path: this.options.path, error: kubeMessage(error) },
          'watch ended; it starts again',
        );
        await delay(backoffMs);
        backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX);
      }
    }
  }

  private async list(): Promise<string | undefined> {
    const { items, metadata } = await this.options.list();
    const seen = new Set<string>();
    for (const item of items) {
      seen.add(keyOf(item));
      this.set(item);
    }
    for (const key of this.objects.keys()) if (!seen.has(key)) this.remove(key);
    this.hasListed = true;
    return metadata?.resourceVersion;
  }

  /** The version to go on from, or undefined where a new list is needed. */
  private async follow(start: string | undefined): Promise<string | undefined> {
    const { watch, path, query } = this.options;
    return await new Promise((resolve, reject) => {
      let version = start;
      const onEvent = (type: string, object: T): void => {
        if (type === 'ERROR') {
          version = undefined;
          return;
        }
        version = object.metadata?.resourceVersion ?? version;
        if (type === 'DELETED') this.remove(keyOf(object));
        else if (type !== 'BOOKMARK') this.set(object);
      };
      const onEnd = (error: unknown): void => {
        if (isNormalEnd(error)) resolve(version);
        else reject(error instanceof Error ? error : new Error(String(error)));
      };
      const options = {
        ...query,
        resourceVersion: start,
        allowWatchBookmarks: true,
        timeoutSeconds: WATCH_SECONDS,
      };
      watch.watch(path, options, onEvent, onEnd).catch(reject);
    });
  }

  private set(object: T): void {
    const key = keyOf(object);
    const former = this.objects.get(key);
    this.objects.set(key, object);
    this.options.onChange(key, object, former);
  }

  private remove(key: string): void {
    const former = this.objects.get(key);
    if (!this.objects.delete(key)) return;
    this.options.onChange(key, undefined, former);
  }
}

function keyOf(object: Followed): string {
  return `${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`;
}

function isNormalEnd(error: unknown): boolean {
  return error === null || error === undefined || (error as Error).name === 'TimeoutError';
}
