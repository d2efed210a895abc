// Carries out what the core asked for, and tells it what came of it.

import type {
  CoreConfig,
  AgentEvent,
  AgentState,
  Effect,
  LeaseWrite,
  PodName,
  RedisResult,
  RemoteTarget,
} from './core/model.ts';
import type { Log } from '../src/log.ts';
import type { Clock } from './clock.ts';
import { isManaged, podAt } from './core/view.ts';
import type {
  LeasePort,
  LocalRedisPort,
  PodsPort,
  RedisProcessPort,
  RemoteRedisPort,
} from './ports.ts';

const REMOTE_FENCE_MS = 200;
export const REMOTE_LOOK_MS = 1000;

/** The running core, as its adapters see it. */
export type RunningCore = {
  readonly state: AgentState;
  dispatch(event: AgentEvent): void;
};

export type EffectParts = {
  readonly core: CoreConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly redis: LocalRedisPort;
  readonly redisProcess: RedisProcessPort;
  readonly remoteRedis: RemoteRedisPort;
  readonly lease: LeasePort;
  readonly pods: PodsPort;
  /** Whether another pod has this address by now. */
  readonly isStranger: (uid: string, address: string) => Promise<boolean>;
  readonly onExit: (code: number) => void;
};

export class Effects {
  readonly #parts: EffectParts;
  readonly #core: RunningCore;
  /** Why the last role command was not carried out, or null: it was. */
  #refused: string | null = null;

  constructor(parts: EffectParts, core: RunningCore) {
    this.#parts = parts;
    this.#core = core;
  }

  /** Never throws and never waits: what came of it is told as an event. */
  carryOut(effect: Effect): void {
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
        void this.#finish(effect.id, redis.open(effect.until, effect.isolated));
        return;
      case 'guard':
        void this.#finish(effect.id, redis.guard());
        return;
      case 'write-lease':
        void this.#writeLease(effect.id, effect.write);
        return;
      case 'fence-remote':
        for (const target of effect.targets) void this.#fence(target);
        return;
      case 'kill-redis':
        void this.#kill(effect.runId, effect.reason);
        return;
      case 'look-for-pods':
        for (const pod of effect.pods) void this.#lookForPod(pod);
        return;
      case 'exit':
        clock.after(0, () => this.#parts.onExit(effect.code));
        return;
    }
  }

  async #finish(id: number, running: Promise<RedisResult>): Promise<void> {
    const result = await running;
    const detail = result.ok ? null : result.detail;
    // It is asked again and again, and said once.
    if (detail !== null && detail !== this.#refused) {
      this.#parts.log.warn({ detail }, 'a role command was not carried out');
    }
    this.#refused = detail;
    this.#core.dispatch({ kind: 'redis-done', id, result });
  }

  /** Attaches only to a master that shows the recorded replication id (rule 23). */
  async #attach(id: number, host: string, replid: string): Promise<RedisResult> {
    const { remoteRedis, redis, log } = this.#parts;
    const target = await remoteRedis.look(host, REMOTE_LOOK_MS);
    if (!target.ok) return { ok: false, refused: false, detail: `${host}: ${target.detail}` };
    if (target.instance.role !== 'master' || target.instance.replid !== replid) {
      const { role, replid: shownId } = target.instance;
      const shown = role === 'master' ? `master of ${shownId}` : role;
      return {
        ok: false,
        refused: false,
        detail: `${host} is a ${shown}, not the master of ${replid}`,
      };
    }
    const pod = podAt(this.#core.state, host);
    if (pod !== null && !isManaged(this.#core.state, pod)) {
      const hastened = await remoteRedis.hastenSync(host, REMOTE_LOOK_MS);
      if (!hastened.ok) log.warn({ host, detail: hastened.detail }, 'the first sync starts later');
    }
    // Something more urgent may have been asked meanwhile: a late REPLICAOF would undo it.
    if (this.#core.state.pendingRedis?.id !== id) {
      return { ok: false, refused: false, detail: 'superseded' };
    }
    return redis.replicateFrom(host);
  }

  async #writeLease(id: number, write: LeaseWrite): Promise<void> {
    const { lease, clock, log, core } = this.#parts;
    const { requestTimeoutMs } = core.timing;
    const done = await lease.write(write, requestTimeoutMs, clock.epochMs());
    if (done.outcome !== 'ok') {
      log.warn({ op: write.op, outcome: done.outcome, detail: done.detail }, 'Lease not written');
    }
    const { outcome, detail } = done;
    this.#core.dispatch({ kind: 'lease-written', id, outcome, detail, lease: done.lease });
    if (done.absent) this.#core.dispatch({ kind: 'lease', lease: null });
    if (done.outcome !== 'timeout' && done.outcome !== 'error') return;
    const read = await lease.read(requestTimeoutMs);
    if (read.ok) this.#core.dispatch({ kind: 'lease', lease: read.body });
  }

  async #kill(runId: string, reason: string): Promise<void> {
    const { redisProcess, log } = this.#parts;
    const fault = await redisProcess.kill(runId);
    if (fault === null) log.warn({ runId }, `Redis was killed: ${reason}`);
    else log.error({ code: 'RO_KILL_UNAVAILABLE', runId }, `Redis was not killed: ${fault}`);
    this.#core.dispatch({ kind: 'kill-fault', fault });
  }

  async #lookForPod({ pod, uid }: PodName): Promise<void> {
    const { pods, core } = this.#parts;
    const isGone = await pods.isPodGone(pod, uid, core.timing.requestTimeoutMs);
    if (isGone) this.#core.dispatch({ kind: 'pod-gone', uid });
  }

  async #fence({ uid, pod, address, runId }: RemoteTarget): Promise<void> {
    const { remoteRedis, log, isStranger } = this.#parts;
    if (await isStranger(uid, address)) {
      log.info({ target: pod, address }, 'not fenced: its address belongs to another pod');
      this.#core.dispatch({ kind: 'remote-fenced', uid, isConfirmed: true, instance: null });
      return;
    }
    // A master without agent may be busy saving its data as it ends; and who leads already has time
    // for one at the end of a slow link.
    const { unmanaged, phase } = this.#core.state;
    const isLeading = phase === 'Leading';
    const timeoutMs = unmanaged.has(uid) || isLeading ? REMOTE_LOOK_MS : REMOTE_FENCE_MS;
    const looksFirst = runId !== null || isLeading;
    const seen = looksFirst ? await remoteRedis.look(address, timeoutMs) : null;
    if (isLeading && seen?.ok === true && seen.instance.role === 'replica') {
      // A replica whose agent is silent goes on replicating: nobody else would attach it again.
      this.#core.dispatch({ kind: 'remote-fenced', uid, isConfirmed: false, instance: null });
      return;
    }
    if (runId !== null && seen?.ok === true && seen.instance.runId !== runId) {
      // Another process has that address by now: it is none of our business.
      this.#core.dispatch({ kind: 'remote-fenced', uid, isConfirmed: true, instance: null });
      return;
    }
    const result = seen?.ok === false ? seen : await remoteRedis.fence(address, timeoutMs);
    const isLocked = !result.ok && result.locked === true;
    const why = isLocked ? 'locked out' : 'silent';
    const outcome = result.ok ? 'limbo' : result.refused ? 'refused' : why;
    // Of a machine without power a leader asks again and again.
    const level = isLeading && outcome === 'silent' ? 'debug' : 'info';
    log[level]({ target: pod, address, outcome }, 'fenced, so that it accepts no write');
    const instance = result.ok ? result.instance : null;
    const isConfirmed = result.ok || result.refused;
    const wasMaster = seen?.ok === true && seen.instance.role === 'master';
    const fenced = { uid, isConfirmed, isLocked, wasMaster, instance };
    this.#core.dispatch({ kind: 'remote-fenced', ...fenced });
  }
}
