// Ports answer with values (ports.ts). One that throws or rejects all the same has a bug: it is told, and
// turned into the failure that the port would have answered. So no command stays under way for ever,
// and no bug of an adapter ends the agent.

import { messageOf } from '../src/errors.ts';
import type { Log } from '../src/log.ts';
import type { RedisResult } from './core/model.ts';
import type {
  ApiResult,
  LeasePort,
  LocalRedisPort,
  PodsPort,
  RedisProcessPort,
  RemoteRedisPort,
  RemoteResult,
  RoutePort,
} from './ports.ts';

export class Guard {
  readonly #log: Log;
  /** What was told of each port last: a bug that shows at every event is told once. */
  readonly #told = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Asks at once; what comes instead of a value is `instead`. */
  async value<T>(port: string, ask: () => Promise<T>, instead: (detail: string) => T): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      return instead(this.#tell(port, error));
    }
  }

  now<T>(port: string, ask: () => T, instead: T): T {
    try {
      return ask();
    } catch (error) {
      this.#tell(port, error);
      return instead;
    }
  }

  #tell(port: string, error: unknown): string {
    const detail = `${port} threw: ${messageOf(error)}`;
    if (this.#told.get(port) !== detail) {
      this.#told.set(port, detail);
      this.#log.error({ port, detail }, 'a bug of the agent: a port threw');
    }
    return detail;
  }
}

const notDone = (detail: string): RedisResult => ({ ok: false, refused: false, detail });
const notSeen = (detail: string): RemoteResult => ({ ok: false, refused: false, detail });
const noAnswer = (message: string): ApiResult<never> => ({ ok: false, status: 0, message });

export function guardRedis(redis: LocalRedisPort, guard: Guard): LocalRedisPort {
  return {
    limbo: (cut) => guard.value('redis.limbo', () => redis.limbo(cut), notDone),
    replicateFrom: (host) =>
      guard.value('redis.replicateFrom', () => redis.replicateFrom(host), notDone),
    promote: (runId, until) =>
      guard.value('redis.promote', () => redis.promote(runId, until), notDone),
    open: (until, isolated) =>
      guard.value('redis.open', () => redis.open(until, isolated), notDone),
    guard: () => guard.value('redis.guard', () => redis.guard(), notDone),
    setPollInterval: (ms) =>
      guard.now('redis.setPollInterval', () => redis.setPollInterval(ms), undefined),
  };
}

export function guardRedisProcess(redisProcess: RedisProcessPort, guard: Guard): RedisProcessPort {
  return {
    kill: (runId) =>
      guard.value(
        'redisProcess.kill',
        () => redisProcess.kill(runId),
        (detail) => detail,
      ),
  };
}

export function guardRemoteRedis(remote: RemoteRedisPort, guard: Guard): RemoteRedisPort {
  return {
    look: (host, ms) => guard.value('remoteRedis.look', () => remote.look(host, ms), notSeen),
    fence: (host, ms) => guard.value('remoteRedis.fence', () => remote.fence(host, ms), notSeen),
    hastenSync: (host, ms) =>
      guard.value('remoteRedis.hastenSync', () => remote.hastenSync(host, ms), notSeen),
  };
}

export function guardLease(lease: LeasePort, guard: Guard): LeasePort {
  return {
    read: (ms) => guard.value('lease.read', () => lease.read(ms), noAnswer),
    // It may have been sent: as where no answer came.
    write: (write, ms, epochMs) =>
      guard.value(
        'lease.write',
        () => lease.write(write, ms, epochMs),
        (detail) => ({ outcome: 'timeout', lease: null, detail, absent: false }),
      ),
  };
}

export function guardPods(pods: PodsPort, guard: Guard): PodsPort {
  return {
    setRole: (pod, role, ms) =>
      guard.value('pods.setRole', () => pods.setRole(pod, role, ms), noAnswer),
    setMirror: (pod, mirror, ms) =>
      guard.value('pods.setMirror', () => pods.setMirror(pod, mirror, ms), noAnswer),
    isPodGone: (name, uid, ms) =>
      guard.value(
        'pods.isPodGone',
        () => pods.isPodGone(name, uid, ms),
        () => false,
      ),
    isClaimGone: (claim, ms) =>
      guard.value(
        'pods.isClaimGone',
        () => pods.isClaimGone(claim, ms),
        () => false,
      ),
  };
}

export function guardRoutes(routes: RoutePort, guard: Guard): RoutePort {
  return {
    reconcile: (state) => guard.now('routes.reconcile', () => routes.reconcile(state), undefined),
    reports: (state) => guard.now('routes.reports', () => routes.reports(state), []),
  };
}
