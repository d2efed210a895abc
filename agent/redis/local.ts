// The local instance: one connection that polls INFO and carries the role commands, in order, so
// that a look never tells of a moment before a command that was answered already.

import { Redis, ReplyError } from 'ioredis';
import { messageOf } from '../../src/errors.ts';
import type { Log } from '../../src/log.ts';
import { parseInfo } from '../../src/redis-info.ts';
import type { Clock } from '../clock.ts';
import type { Instance, LocalRedis, Obstacle, RedisResult } from '../core/model.ts';
import type { LocalRedisPort } from '../ports.ts';
import { connectionOptions, currentPassword, isRefusal, type RedisAccess } from './access.ts';
import * as commands from './commands.ts';
import { obstacleOf, stopsOnFailedSave } from './fitness.ts';
import { startedEpochMs, versionOf } from './instance.ts';
import { isLockedOut, type Look, Reachability } from './reachability.ts';
import { isolatedTerms, ownTerms, REDIS_WRITE_TERMS, type WriteTerms } from './write-terms.ts';

const RECONNECT_FAST_MS = 5;
const RECONNECT_SLOW_MS = 200;
const FAST_RECONNECTS = 40;
/** Unanswered looks after which the connection is dropped: its queue must not grow for hours. */
const TIMEOUTS_MAX = 30;
/** A person mends a setting or a right while this connection stays. */
const ASK_AGAIN_MS = 2000;
/** What ioredis says of a command without an answer. */
const TIMED_OUT = 'Command timed out';
/** It may be another process than the one that was judged: only the fence is always right. */
const UNRECOGNISED = 'Redis has not said yet which process it is';

type Options = {
  readonly access: RedisAccess;
  readonly host: string;
  readonly timeoutMs: number;
  /** Null: what Redis was configured with when it was first met without our guard. */
  readonly minReplicas: number | null;
  /** False: whose lag counts is the user's alone, and never looked at. */
  readonly isolates: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: (redis: LocalRedis) => void;
  /** What INFO says of the server, at each new connection. */
  readonly onServer?: (info: string) => void;
  readonly onRefusedSettings: (refused: readonly string[]) => void;
};

export class LocalRedisAdapter implements LocalRedisPort {
  readonly #options: Options;
  #redis: Redis | null = null;
  #runId = '';
  /** The process at the other end has said its run id: it is the one that #runId names. */
  #recognised = false;
  #startedEpochMs = 0;
  /** What Redis was told to show to its master. */
  #password: string | undefined;
  readonly #reachability: Reachability;
  #own: WriteTerms = REDIS_WRITE_TERMS;
  #version = '0';
  /** As told last. */
  #refusedSettings: readonly string[] = [];
  #obstacle: Obstacle | null = null;
  /** A failed snapshot makes this Redis refuse writes. */
  #stopsOnFailedSave = true;
  #askedAt = Number.NEGATIVE_INFINITY;
  #timeouts = 0;
  /** Why it was not let in, as told last: the loop tries many times a second. */
  #complaint = '';
  #isSilenceTold = false;
  #pollMs = 250;
  #stopped = false;
  #wake: (() => void) | null = null;

  constructor(options: Options) {
    this.#options = options;
    this.#reachability = new Reachability(options.clock.now());
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#redis?.disconnect();
    this.#wake?.();
  }

  /** A smaller value takes effect at once. */
  setPollInterval(ms: number): void {
    const isFaster = ms < this.#pollMs;
    this.#pollMs = ms;
    if (isFaster) this.#wake?.();
  }

  limbo(cutClients: boolean): Promise<RedisResult> {
    return this.#carryOut((redis) =>
      commands.limbo(redis, { cutClients, startedEpochMs: this.#startedEpochMs }),
    );
  }

  replicateFrom(host: string, port = this.#options.access.port): Promise<RedisResult> {
    if (!this.#recognised) return Promise.resolve(failure(UNRECOGNISED));
    return this.#carryOut(async (redis) => {
      // Password and settings may have changed since this connection was made: the link needs the right ones.
      await this.#prepare(redis);
      return await commands.replicateFrom(redis, host, port, this.#startedEpochMs);
    });
  }

  async #prepare(redis: Redis): Promise<void> {
    const { access, onRefusedSettings } = this.#options;
    this.#password = currentPassword(access);
    const auth = { user: access.user, password: this.#password, tls: access.tls };
    // What cannot be managed is not managed by half: the obstacle tells all.
    const isLeft = this.#obstacle?.kind === 'denied';
    const refused = isLeft ? [] : await commands.prepare(redis, auth);
    const news = refused.filter((each) => !this.#refusedSettings.includes(each));
    this.#refusedSettings = refused;
    onRefusedSettings(news);
  }

  promote(runId: string, until: number): Promise<RedisResult> {
    if (!this.#recognised) return Promise.resolve(failure(UNRECOGNISED));
    if (runId !== this.#runId) return Promise.resolve(failure('Redis restarted meanwhile'));
    if (this.#options.clock.now() >= until) return Promise.resolve(failure('validity ended'));
    return this.#carryOut((redis) => commands.promoteGuarded(redis, this.#startedEpochMs));
  }

  open(until: number, isolated: boolean): Promise<RedisResult> {
    const { clock, minReplicas, isolates } = this.#options;
    if (clock.now() >= until) return Promise.resolve(failure('validity ended'));
    const own = { ...this.#own, minReplicas: minReplicas ?? this.#own.minReplicas };
    const terms = isolated ? isolatedTerms(own) : own;
    const asked = isolates ? terms : { minReplicas: terms.minReplicas };
    return this.#carryOut((redis) => commands.openWrites(redis, asked, this.#startedEpochMs));
  }

  guard(): Promise<RedisResult> {
    return this.#carryOut((redis) => commands.refuseWrites(redis, this.#startedEpochMs));
  }

  async #carryOut(run: (redis: Redis) => Promise<Instance>): Promise<RedisResult> {
    const redis = this.#redis;
    if (redis === null) return { ok: false, refused: false, detail: 'no connection to Redis' };
    try {
      const instance = this.#judged(await run(redis));
      this.#reachability.shown(instance);
      return { ok: true, instance };
    } catch (error) {
      return { ...failure(messageOf(error)), replied: error instanceof ReplyError };
    }
  }

  async #run(): Promise<void> {
    let attempts = 0;
    while (!this.#stopped) {
      const outcome = await this.#connect();
      if (outcome !== null) {
        this.#report(outcome);
        attempts++;
        await this.#pause(attempts < FAST_RECONNECTS ? RECONNECT_FAST_MS : RECONNECT_SLOW_MS);
        continue;
      }
      attempts = 0;
      await this.#poll();
    }
  }

  /** Null where connected and recognised; else why not. */
  async #connect(): Promise<{ refused: boolean; detail: string } | null> {
    const { access, host, timeoutMs, clock } = this.#options;
    let cause = '';
    this.#recognised = false;
    try {
      const redis = new Redis(connectionOptions(access, host, timeoutMs));
      // A failed connect() rejects with "Connection is closed."; the cause comes as an event.
      redis.on('error', (error: Error) => {
        cause = messageOf(error);
      });
      this.#redis = redis;
      await redis.connect();
      const server = await commands.serverInfo(redis);
      const runId = /run_id:(\w+)/.exec(server)?.[1] ?? '';
      if (runId !== this.#runId) {
        this.#runId = runId;
        this.#startedEpochMs = startedEpochMs(server, clock.epochMs());
      }
      this.#version = versionOf(parseInfo(server));
      this.#recognised = true;
      this.#options.onServer?.(server);
      // Asked before the first report, whose listener may set our guard at once.
      const learning = this.#learnWriteTerms(redis);
      const asking = this.#askForObstacles(redis);
      const seen = await commands.look(redis, this.#startedEpochMs);
      await asking;
      await this.#askForPersistence(redis, seen);
      this.#report(this.#judged(seen));
      await learning;
      await this.#prepare(redis);
      this.#complaint = '';
      return null;
    } catch (error) {
      this.#redis?.disconnect();
      this.#redis = null;
      const detail = cause === '' ? messageOf(error) : cause;
      this.#complain(detail);
      return { refused: isRefusal(detail), detail };
    }
  }

  /** What INFO does not tell of an instance. */
  #judged(seen: Instance): Instance {
    const isHarmless = seen.unwritable === 'rdb' && !this.#stopsOnFailedSave;
    const unwritable = isHarmless ? null : seen.unwritable;
    return { ...seen, unwritable, obstacle: this.#obstacle };
  }

  async #askForObstacles(redis: Redis): Promise<void> {
    const { access, clock } = this.#options;
    this.#askedAt = clock.now();
    const options = { user: access.user, version: this.#version };
    this.#obstacle = await obstacleOf(redis, options).catch(() => null);
  }

  /** Who was granted what was lacking gets the settings that were refused before. */
  async #askAgain(redis: Redis): Promise<void> {
    const { clock } = this.#options;
    if (this.#obstacle === null || clock.now() - this.#askedAt < ASK_AGAIN_MS) return;
    await this.#askForObstacles(redis);
    if (this.#obstacle !== null) return;
    await this.#learnWriteTerms(redis);
    await this.#prepare(redis);
  }

  async #askForPersistence(redis: Redis, { unwritable }: Instance): Promise<void> {
    if (unwritable !== 'rdb') return;
    this.#stopsOnFailedSave = await stopsOnFailedSave(redis);
  }

  /** Only a leader's state names this problem; a replica's agent only says that nobody answers. */
  #complain(detail: string): void {
    if (!isLockedOut(detail) || detail === this.#complaint) return;
    this.#complaint = detail;
    this.#options.log.warn({ code: 'RO_REDIS_AUTH', detail }, 'Redis does not let its agent in');
  }

  /** Never our own guard or isolation, which an agent before us may have left. */
  async #learnWriteTerms(redis: Redis): Promise<void> {
    const ask = (name: string): Promise<number> =>
      commands.configNumber(redis, name).catch(() => Number.NaN);
    const [minReplicas, maxLagSeconds] = await Promise.all([
      ask('min-replicas-to-write'),
      this.#options.isolates ? ask('min-replicas-max-lag') : Number.NaN,
    ]);
    this.#own = ownTerms({ minReplicas, maxLagSeconds }, this.#own);
  }

  async #poll(): Promise<void> {
    const redis = this.#redis;
    if (redis === null) return;
    const { clock, log } = this.#options;
    const onClose = (): void => {
      log.debug({ clockMs: clock.now() }, 'redis closed its connection');
      this.#wake?.();
    };
    redis.once('close', onClose);
    while (!this.#stopped && redis.status === 'ready') {
      try {
        await this.#askAgain(redis);
        const seen = await this.#look(redis);
        await this.#askForPersistence(redis, seen);
        // Without a wait where nothing is to be done: a command that is answered meanwhile is told after this look.
        const shown = seen.takesWrites === true ? await this.#closed(redis, seen) : seen;
        this.#report(this.#judged(shown));
        this.#timeouts = 0;
      } catch (error) {
        if (redis.status !== 'ready') break;
        // A look that timed out while this agent itself stood still tells nothing: the next one does.
        const detail = messageOf(error);
        const isOwnStall = detail === TIMED_OUT && !this.#isSilenceTold;
        if (!isOwnStall) this.#report({ refused: false, detail });
        if (++this.#timeouts >= TIMEOUTS_MAX) break;
      }
      if (redis.status === 'ready') await this.#pause(this.#pollMs);
    }
    redis.disconnect();
    this.#redis = null;
    this.#timeouts = 0;
  }

  /** What somebody opened at run time. */
  async #closed(redis: Redis, seen: Instance): Promise<Instance> {
    if (this.#obstacle?.kind === 'denied') return seen;
    this.#options.log.warn('replica-read-only was switched off: it is on again');
    return await commands.closeReplica(redis, this.#startedEpochMs);
  }

  /** One look; silence is told as soon as it is one, not when the look times out. */
  async #look(redis: Redis): Promise<Instance> {
    const { clock, timeoutMs } = this.#options;
    let isAnswered = false;
    this.#isSilenceTold = false;
    const tellSilence = (): void => {
      // An answer that waits to be read counts: timers come first after a stall of ours.
      setImmediate(() => {
        if (isAnswered) return;
        this.#isSilenceTold = true;
        this.#report({ refused: false, detail: `no answer for ${timeoutMs} ms` });
      });
    };
    const dueMs = this.#reachability.silenceDueMs(clock.now(), timeoutMs);
    const alarm = clock.after(dueMs, tellSilence);
    try {
      return await commands.look(redis, this.#startedEpochMs);
    } finally {
      isAnswered = true;
      alarm.cancel();
    }
  }

  #report(seen: Look): void {
    const { clock, onChange } = this.#options;
    onChange(this.#reachability.after(seen, clock.now()));
  }

  /** Waits, or less where somebody wakes the loop. */
  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(ms, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#wake = null;
  }
}

function failure(detail: string): Extract<RedisResult, { ok: false }> {
  return { ok: false, refused: isRefusal(detail), detail };
}
