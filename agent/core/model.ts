// The words of the agent's core: what it knows, what happens to it, what it asks for.
// Times are milliseconds of one boot-time clock (never the wall clock) unless a name says epoch.

import type { RecordedTerm } from '../../src/annotation-fields.ts';
import type { Promotion } from '../../src/group-facts.ts';
import type { AgentReport, Loss, Phase, RequestAnswer, Unwritable } from '../../src/wire.ts';
import type { Timing } from './lease-clock.ts';

export type Holder = { readonly pod: string; readonly uid: string; readonly agentId: string };

export type Candidate = {
  readonly pod: string;
  readonly uid: string;
  readonly address: string;
  readonly runId: string;
};

/**
 * One replication id that the group's dataset went through. `start`: the first offset under it; of an id that no
 * promotion made (term 0), 0, or the offset under the next promotion's id at which its data stood.
 */
export type LineageEntry = {
  readonly replid: string;
  readonly term: number;
  readonly start: number;
};

/** What a volume held when the holder last heard of it. */
export type DatasetEntry = {
  readonly volume: string;
  readonly replid: string;
  readonly offset: number;
  readonly keys: number;
};

export type TermEntry = RecordedTerm;

/** The Lease's annotation: all that a successor must know. */
export type GroupRecord = {
  readonly protocol: number;
  readonly candidates: readonly Candidate[];
  /**
   * Offset that the new holder must have: what EXEC returned, never a guess (rule 3). `pending`: the
   * previous holder serves until it knows of this transfer, and tells the offset when it has stopped.
   */
  readonly goal: number | 'pending' | null;
  /** The giver of the Lease compared all live, frozen peers already. */
  readonly decided: boolean;
  /** Clock of the nominee when it sent the report that the swap was based on (rule 21). */
  readonly basisMs: number | null;
  readonly previous: {
    readonly pod: string;
    readonly uid: string;
    readonly address: string;
  } | null;
  readonly lineage: readonly LineageEntry[];
  readonly datasets: Readonly<Record<string, DatasetEntry>>;
  readonly history: readonly TermEntry[];
  /** Id of the request that was answered last, so that no other agent answers it again. */
  readonly answered: string | null;
};

export type LeaseView = {
  readonly resourceVersion: string;
  readonly holder: Holder | null;
  readonly term: number;
  readonly renewTime: string | null;
  readonly record: GroupRecord;
  /** Annotation of a person: force=<term>. */
  readonly force: number | null;
  /** Who, where the annotation tells it. */
  readonly forcedBy?: string;
};

/** What of its settings and our rights keeps an instance from its part, found when it was connected. */
export type Obstacle = {
  /**
   * `denied`: it cannot be made master, nor fenced: it is left as it is. `hidden`: nobody else reaches
   * it. `weaker`: it can be managed, and something is lacking.
   */
  readonly kind: 'denied' | 'hidden' | 'weaker';
  /** With its code, its cost and its remedy. */
  readonly problem: string;
};

/** What one look at a Redis process showed. */
export type Instance = {
  readonly runId: string;
  readonly version: string;
  readonly role: 'master' | 'replica';
  readonly upstream: { readonly host: string; readonly port: number } | null;
  readonly linkUp: boolean;
  readonly syncing: boolean;
  /** How much of a full sync has come; null: none goes on, or its size is not known. */
  readonly syncPercent: number | null;
  readonly loading: boolean;
  readonly offset: number;
  readonly replid: string;
  readonly replid2: string;
  readonly secondOffset: number;
  readonly priority: number;
  readonly startedEpochMs: number;
  readonly keys: number;
  readonly aof: boolean;
  /** A replica that is not read-only, because somebody changed that; left out: it is. */
  readonly takesWrites?: boolean;
  /** A master would refuse writes (MISCONF), because this could not be saved. */
  readonly unwritable: Unwritable | null;
  readonly obstacle: Obstacle | null;
};

export type LocalRedis =
  | { readonly reachable: true; readonly instance: Instance; readonly seenAt: number }
  | {
      readonly reachable: false;
      readonly since: number;
      /** Its sockets closed and new connections are refused: the process is gone. */
      readonly refused: boolean;
      /** It answered with an error (no more clients, a wrong password): it lives and may serve. */
      readonly locked: boolean;
      readonly detail: string;
      /** What the process showed last, if it ever answered. */
      readonly last: Instance | null;
    };

/** What a pod's annotation keeps of the record (rule 15): a deleted Lease takes nothing with it. */
export type Mirror = {
  readonly term: number;
  readonly lineage: readonly LineageEntry[];
  /** What its own volume held when the term was mirrored: that it is the group's. */
  readonly dataset: DatasetEntry | null;
  /** The term that opened writes last. */
  readonly opening: TermEntry | null;
};

export type PodView = {
  readonly name: string;
  readonly uid: string;
  readonly ip: string | null;
  readonly leaving: boolean;
  readonly terminal: boolean;
  /** Has an agent of ours: an injected or hand-written container, or one that speaks to us. */
  readonly managed: boolean;
  readonly role: string | null;
  readonly volume: string;
  /** Of its StatefulSet, as the controller labels it; null: it belongs to none. */
  readonly revision: string | null;
  /** Wall clock of the API server, the same for all pods. */
  readonly createdEpochMs: number;
  readonly discardData: string | null;
  readonly adoptFrom: boolean;
  readonly mirror: Mirror;
};

/** What a look at a pod without an agent showed; `volume` outlives the pod where it is claimed. */
export type Unmanaged =
  | {
      readonly reachable: true;
      readonly instance: Instance;
      readonly pod: string;
      readonly volume: string;
      readonly seenAt: number;
    }
  | { readonly reachable: false };

export type Peer = {
  readonly report: AgentReport;
  readonly startedEpochMs: number;
  readonly at: number;
  /** Heard without a gap since then, from this same agent process. */
  readonly since: number;
};

/** The group's Lease as far as we know it. */
type LeaseKnowledge =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'absent'; readonly since: number; readonly last: LeaseView | null }
  | { readonly kind: 'present'; readonly lease: LeaseView; readonly unchangedSince: number };

export type LeaseWrite = {
  readonly op: 'renew' | 'acquire' | 'transfer' | 'release' | 'recreate';
  /** Empty: create. */
  readonly resourceVersion: string;
  readonly holder: Holder | null;
  readonly term: number;
  readonly record: GroupRecord;
  readonly reason: string;
};

export type RemoteTarget = {
  readonly uid: string;
  readonly pod: string;
  readonly address: string;
  /** Only this process: without a pod object the address may be somebody else's by now. */
  readonly runId: string | null;
};

/** A pod that may be gone; another of its name is another pod. */
export type PodName = { readonly pod: string; readonly uid: string };

export type Effect =
  | { readonly kind: 'limbo'; readonly id: number; readonly cutClients: boolean }
  | { readonly kind: 'attach'; readonly id: number; readonly host: string; readonly replid: string }
  | {
      readonly kind: 'promote';
      readonly id: number;
      readonly runId: string;
      readonly until: number;
    }
  | {
      readonly kind: 'open';
      readonly id: number;
      readonly until: number;
      /** Writes need a replica that acknowledges (--isolation). */
      readonly isolated: boolean;
    }
  | { readonly kind: 'guard'; readonly id: number }
  | { readonly kind: 'write-lease'; readonly id: number; readonly write: LeaseWrite }
  | { readonly kind: 'fence-remote'; readonly targets: readonly RemoteTarget[] }
  /** SIGKILL to the local process of this run id, which is frozen. */
  | { readonly kind: 'kill-redis'; readonly runId: string; readonly reason: string }
  | { readonly kind: 'look-for-pods'; readonly pods: readonly PodName[] }
  | { readonly kind: 'exit'; readonly code: number };

export type RedisResult =
  | { readonly ok: true; readonly instance: Instance }
  | {
      readonly ok: false;
      readonly refused: boolean;
      readonly detail: string;
      /** Redis itself said no. Left out: no answer came, or the command was never sent. */
      readonly replied?: boolean;
    };

export type LeaseOutcome = 'ok' | 'conflict' | 'timeout' | 'denied' | 'error';

export type AgentEvent =
  | { readonly kind: 'tick' }
  | { readonly kind: 'redis'; readonly redis: LocalRedis }
  | { readonly kind: 'lease'; readonly lease: LeaseView | null }
  | {
      readonly kind: 'pods';
      readonly pods: readonly PodView[];
      /** The watch broke: who came or went since is not in it. Left out: it is current. */
      readonly isStale?: boolean;
    }
  | { readonly kind: 'peer'; readonly report: AgentReport; readonly startedEpochMs: number }
  | { readonly kind: 'unmanaged'; readonly uid: string; readonly probe: Unmanaged }
  | {
      readonly kind: 'lease-written';
      readonly id: number;
      readonly outcome: LeaseOutcome;
      /** What the API server said, where it refused. */
      readonly detail?: string;
      readonly lease: LeaseView | null;
    }
  | { readonly kind: 'redis-done'; readonly id: number; readonly result: RedisResult }
  | {
      readonly kind: 'remote-fenced';
      readonly uid: string;
      /** It is in limbo, or nobody listens there. */
      readonly isConfirmed: boolean;
      /** It lives, and did not let this agent in. */
      readonly isLocked?: boolean;
      /** It was a master until then, as a look before it showed. */
      readonly wasMaster?: boolean;
      /** The instance's final offset, where the limbo transaction gave one. */
      readonly instance: Instance | null;
    }
  /** Why the local process cannot be killed, or null: it can, or it was. */
  | { readonly kind: 'kill-fault'; readonly fault: string | null }
  | { readonly kind: 'volume-gone'; readonly volume: string }
  | { readonly kind: 'request'; readonly request: SwitchoverRequest | null }
  | { readonly kind: 'pause'; readonly pause: Pause | null }
  /** The API server itself says that no pod of this UID runs: so it stays. */
  | { readonly kind: 'pod-gone'; readonly uid: string }
  /** Nothing was watched for so long, or the clock jumped ahead by it: nobody can tell which. */
  | { readonly kind: 'stalled'; readonly unwatchedMs: number }
  | { readonly kind: 'terminate' };

/** What a person asks of the group, on a Lease of its own: who may write that is no matter of ours. */
export type SwitchoverRequest = {
  readonly id: string;
  /** Name of the pod that is to lead, or null: the best one. */
  readonly target: string | null;
  /** The term that its writer saw: in another one it is void, so that none is carried out twice. */
  readonly term: number;
  /** Boot-time milliseconds after which nobody waits for it any more. */
  readonly until: number;
  readonly by: string;
};

/** A person's word that nobody is to take over from a master that fails; it ends by itself. */
export type Pause = {
  readonly by: string;
  readonly reason: string;
  /** Boot-time milliseconds. */
  readonly until: number;
};

export type CoreConfig = {
  readonly self: {
    readonly pod: string;
    readonly uid: string;
    readonly agentId: string;
    /** What holds its data; like the address known before anything is decided, and longer than the
     * pod is listed. */
    readonly volume: string;
    readonly address: string;
  };
  /** Of what agents tell each other and write into the record; grows with each change of both. */
  readonly protocol: number;
  readonly timing: Timing;
  readonly bootFence: boolean;
  readonly redisTimeoutMs: number;
  readonly maxFailoverLagBytes: number | null;
  readonly ageBeatsBytes: number;
  readonly priorityFirst: boolean;
  /** Fresher data of volumes that are absent are given up after a whole wait. */
  readonly proceedsWithoutMissing: boolean;
  /** Writes that so many replicas confirmed survive; 0: nobody waits for them. */
  readonly confirmedBy: number;
  /** A master that no replica acknowledges stops acknowledging. */
  readonly isolates: boolean;
  /** A frozen Redis is killed once another may lead. */
  readonly killsFrozen: boolean;
  /** A master that refuses writes hands over to a replica that takes them. */
  readonly failsOverUnwritable: boolean;
};

/** Since `REPLICAOF host`: how far the stream from that master has come. */
export type Attachment = {
  readonly host: string;
  /** When the link was first seen up: only then can it go down. */
  readonly linkUpAt: number | null;
  /** Offset at that moment: a higher one shows that the stream runs. */
  readonly firstOffset: number;
  /** Since when the master is ahead while nothing has come. */
  readonly lackingSince: number | null;
  readonly caughtUp: boolean;
};

export type RoleCommand = 'limbo' | 'attach' | 'promote' | 'open' | 'guard';

type PendingRedis = {
  readonly id: number;
  readonly kind: RoleCommand;
  readonly sentAt: number;
  /** Of `open`: whether it isolates. */
  readonly isolated?: boolean;
};
type PendingWrite = {
  readonly id: number;
  readonly sentAt: number;
  readonly write: LeaseWrite;
};

export type AgentState = {
  readonly config: CoreConfig;
  readonly now: number;
  readonly phase: Phase;
  readonly phaseSince: number;
  readonly bootedAt: number;
  readonly redis: LocalRedis | null;
  readonly unwritableSince: number | null;
  readonly lease: LeaseKnowledge;
  readonly pods: readonly PodView[] | null;
  /** Nobody tells of changes: what the list says was true once. */
  readonly arePodsStale: boolean;
  readonly podsChangedAt: number;
  readonly peers: ReadonlyMap<string, Peer>;
  readonly unmanaged: ReadonlyMap<string, Unmanaged>;
  readonly frozenTerm: number | null;
  readonly attachment: Attachment | null;
  /** When the stream of an attachment was held back last, and attached again. */
  readonly heldBackAt: number;
  readonly attachFailedAt: number;
  readonly validUntil: number;
  readonly renewSentAt: number;
  /** Term that the group had when this agent first learned of it: an earlier agent may have led in it. */
  readonly firstTerm: number | null;
  /** The last term in which this agent asked for a promotion, whatever came of it, or 0. */
  readonly promotedIn: number;
  /** Run id and replication id under which this agent opened writes in the present term. */
  readonly opened: {
    readonly term: number;
    readonly runId: string;
    readonly replid: string;
  } | null;
  /** Pods whose fence was answered, or not answered, in this phase. */
  readonly fenced: ReadonlySet<string>;
  /** What was put into limbo by this agent in this phase, by pod: final offsets. */
  readonly fencedInstances: ReadonlyMap<string, Instance>;
  /** Pods whose Redis did not let this agent in when it was to be fenced, and when it said so last. */
  readonly lockedOut: ReadonlyMap<string, number>;
  readonly fenceAskedAt: number;
  /** Processes without pod objects that were known when this agent promoted last. */
  readonly ghosts: readonly RemoteTarget[];
  /** Offset of an instance that was fenced from here; `none`: that process is gone. */
  readonly remoteGoal: number | 'none' | null;
  /** When the Redis of the previous holder was asked last for where it stopped. */
  readonly giverAskedAt: number;
  readonly pendingRedis: PendingRedis | null;
  /** When a role command failed last: it is repeated by the tick, never at once. */
  readonly redisFailedAt: number;
  /** Limbo commands in a row that this Redis itself refused. */
  readonly limboRefusals: number;
  readonly pendingWrite: PendingWrite | null;
  /** A swap that gave the Lease away has an unknown result (rule 2). */
  readonly unsure: boolean;
  readonly writeFailedAt: number;
  readonly writeFailures: number;
  /** When a promotion failed last: only such a failure delays the next one. */
  readonly promoteFailedAt: number;
  /** Promotions in a row that this Redis process did not carry out. */
  readonly promoteFailures: number;
  /** Promotions in a row of which no answer came: the connection broke, or there was none. */
  readonly promoteBreaks: number;
  /** Candidates of Lease writes whose result is unknown: the failsafe asks them as well. */
  readonly attempted: ReadonlySet<string>;
  /** Claims that were looked for and do not exist: nobody waits for their data. */
  readonly goneVolumes: ReadonlySet<string>;
  /** UIDs that no pod has any more, by the API server's word and not by a watch that may lag. */
  readonly gonePods: ReadonlySet<string>;
  readonly lookedForPodsAt: number;
  readonly terminating: boolean;
  readonly request: SwitchoverRequest | null;
  /** The request that stood there when this agent started; undefined until that is known. */
  readonly requestAtStart: string | null | undefined;
  /** What became of the last request that this agent answered. */
  readonly answer: RequestAnswer | null;
  /** Its id until the Lease has it; then the Lease alone says what was answered last. */
  readonly answerToRecord: string | null;
  readonly pause: Pause | null;
  /** When the election began in which this agent takes part, and when its goal was told. */
  readonly electionAt: number | null;
  readonly goalAt: number | null;
  /** The last term whose goal this agent gave up. */
  readonly goalMissedIn: number | null;
  /** When this pod became master last; null: never by this agent. */
  readonly promotion: Promotion | null;
  /** What this Redis had beyond its successor when it last attached to one. */
  readonly lost: Loss | null;
  /** The switchover that is under way: this pod, or the best one where it is null, is to lead. */
  readonly switchover: SwitchoverRequest | null;
  /** Writes are refused by our guard, which comes off once this instance leads. */
  readonly isGuarded: boolean;
  /** The open master needs a replica for each write: it was opened so last. */
  readonly isIsolated: boolean;
  /** Run id of the frozen process that was to be killed last: each is asked for once. */
  readonly killAsked: string | null;
  readonly killFault: string | null;
  /** When this instance was stopped before the Lease was given away (Redis below 7.0). */
  readonly stoppedAt: number | null;
  /** The pod that had everything when this instance was stopped. */
  readonly drainedTo: string | null;
  readonly handoverFailedAt: number;
  readonly failsafe: { readonly round: number; readonly startedAt: number };
  readonly promise: {
    readonly agentId: string;
    readonly round: number;
    readonly until: number;
  } | null;
  /** Term that was acquired because a person forced it: nobody is waited for in it. */
  readonly forcedTerm: number | null;
  /** Term that was acquired because everybody was heard: one who fell silent since may have the newest data. */
  readonly termByAll: number | null;
  readonly maySince: number | null;
  readonly nextId: number;
  readonly reason: string;
  readonly problem: string | null;
};

export type StepResult = {
  readonly state: AgentState;
  readonly effects: readonly Effect[];
  /** One sentence, where something was decided. */
  readonly reason: string | null;
  /** False: the event told nothing new, and nothing was decided. */
  readonly isNews: boolean;
};
