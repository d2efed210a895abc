// What the running core asks of the world: the adapters of redis/ and kube/ answer on a cluster, the
// simulator's in test/sim. Nothing here throws or rejects: a failure is a value.

import type { RouteReport } from '../src/wire.ts';
import type {
  AgentState,
  Instance,
  LeaseOutcome,
  LeaseView,
  LeaseWrite,
  Mirror,
  PodView,
  RedisResult,
} from './core/model.ts';

/** Status 0: no answer within the timeout, or no connection; the request may have happened. */
type ApiFailure = { readonly ok: false; readonly status: number; readonly message: string };
export type ApiResult<T> = { readonly ok: true; readonly body: T } | ApiFailure;

/** The instance beside the agent; what it shows comes as events. */
export type LocalRedisPort = {
  limbo(cutClients: boolean): Promise<RedisResult>;
  replicateFrom(host: string): Promise<RedisResult>;
  /** Refuses where the process is another one than judged, or validity ended (I3). */
  promote(runId: string, until: number): Promise<RedisResult>;
  /** Isolated: no write without a replica that acknowledged within a second. */
  open(until: number, isolated: boolean): Promise<RedisResult>;
  /** Refuses writes, until it is opened. */
  guard(): Promise<RedisResult>;
  /** Milliseconds between two looks. */
  setPollInterval(ms: number): void;
};

/** The process of the local instance, where the pod shares its process namespace. */
export type RedisProcessPort = {
  /** SIGKILL to exactly the process that said this run id; answers why not, or null. */
  kill(runId: string): Promise<string | null>;
};

export type RemoteResult =
  | { readonly ok: true; readonly instance: Instance }
  | {
      readonly ok: false;
      readonly refused: boolean;
      /** It lives, and lets nobody in who comes with our password or certificate. */
      readonly locked?: boolean;
      readonly detail: string;
    };

/** Other instances of the group, by their address. */
export type RemoteRedisPort = {
  look(host: string, timeoutMs: number): Promise<RemoteResult>;
  /** Limbo, and its clients are cut. */
  fence(host: string, timeoutMs: number): Promise<RemoteResult>;
  hastenSync(host: string, timeoutMs: number): Promise<RemoteResult>;
};

export type LeaseWritten = {
  readonly outcome: LeaseOutcome;
  readonly lease: LeaseView | null;
  readonly detail: string;
  readonly absent: boolean;
};

export type LeasePort = {
  read(timeoutMs: number): Promise<ApiResult<LeaseView | null>>;
  /** One attempt; on conflict the fresh Lease comes back, so that nobody judges a stale one. */
  write(write: LeaseWrite, timeoutMs: number, epochMs: number): Promise<LeaseWritten>;
};

export type PodsPort = {
  /** Changes one label of exactly this pod: another of the same name has another UID. */
  setRole(pod: PodView, role: string | null, timeoutMs: number): Promise<ApiResult<unknown>>;
  setMirror(pod: PodView, mirror: Mirror, timeoutMs: number): Promise<ApiResult<unknown>>;
  /** Whether no pod of this UID runs any more, by the API server's own state. False as below. */
  isPodGone(name: string, uid: string, timeoutMs: number): Promise<boolean>;
  /** False also where nothing can be told: only a plain "not found" proves anything. */
  isClaimGone(claim: string, timeoutMs: number): Promise<boolean>;
};

/** The EndpointSlices of the Services that ask for a fast route. */
export type RoutePort = {
  /** Level-triggered: makes them true where the state is that of an open master. */
  reconcile(state: AgentState): void;
  /** Every such Service, and whether it leads to where it should. */
  reports(state: AgentState): readonly RouteReport[];
};
