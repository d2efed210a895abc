// A schedule: how the group is set up, and what happens to it when. Plain data, made from a seed, so
// that it can be printed, replayed bit for bit and shrunk.

import { isolationFault, type Timing, TIMING_PROFILES } from '../../agent/core/lease-clock.ts';
import type { Setup } from './cluster.ts';
import { SeededRandom } from './random.ts';
import type { RedisVersion } from './redis/options.ts';

/** `pod` and `other` are ordinals; -1 stands for whoever is master when it happens. */
export type Fault =
  | { readonly kind: 'kill-redis'; readonly at: number; readonly pod: number; readonly ms: number }
  | { readonly kind: 'kill-agent'; readonly at: number; readonly pod: number; readonly ms: number }
  | { readonly kind: 'kill-both'; readonly at: number; readonly pod: number; readonly ms: number }
  | {
      readonly kind: 'kill-agent-at-effect';
      readonly at: number;
      readonly pod: number;
      readonly ms: number;
      readonly effects: number;
    }
  | {
      readonly kind: 'freeze-redis';
      readonly at: number;
      readonly pod: number;
      readonly ms: number;
    }
  | { readonly kind: 'stop-agent'; readonly at: number; readonly pod: number; readonly ms: number }
  /** Both stand still: a machine that is suspended. */
  | { readonly kind: 'suspend'; readonly at: number; readonly pod: number; readonly ms: number }
  /** One direction, from `pod` to `other`. */
  | {
      readonly kind: 'cut';
      readonly at: number;
      readonly pod: number;
      readonly other: number;
      readonly ms: number;
    }
  /** Cut off and back again and again: scenario 18. */
  | {
      readonly kind: 'flap';
      readonly at: number;
      readonly pod: number;
      readonly ms: number;
      readonly from: 'api' | 'peers' | 'both';
      readonly offMs: number;
      readonly onMs: number;
    }
  /** From all other pods, both ways. */
  | { readonly kind: 'isolate'; readonly at: number; readonly pod: number; readonly ms: number }
  | { readonly kind: 'cut-api'; readonly at: number; readonly pod: number; readonly ms: number }
  | {
      readonly kind: 'cut-api-back';
      readonly at: number;
      readonly pod: number;
      readonly ms: number;
    }
  | {
      readonly kind: 'slow';
      readonly at: number;
      readonly pod: number;
      readonly other: number;
      readonly ms: number;
      readonly delayMs: number;
      readonly loss: number;
    }
  | { readonly kind: 'api-refuses'; readonly at: number; readonly ms: number }
  | { readonly kind: 'api-hangs'; readonly at: number; readonly ms: number }
  | {
      readonly kind: 'api-trouble';
      readonly at: number;
      readonly pod: number;
      readonly ms: number;
      readonly status: number;
      readonly share: number;
      readonly isDone: boolean;
    }
  | {
      readonly kind: 'api-slow';
      readonly at: number;
      readonly pod: number;
      readonly ms: number;
      readonly delayMs: number;
    }
  | {
      readonly kind: 'watch-lag';
      readonly at: number;
      readonly pod: number;
      readonly ms: number;
      readonly delayMs: number;
    }
  | { readonly kind: 'break-watches'; readonly at: number }
  | { readonly kind: 'delete-pod'; readonly at: number; readonly pod: number; readonly ms: number }
  | {
      readonly kind: 'force-delete';
      readonly at: number;
      readonly pod: number;
      readonly ms: number;
      readonly ghostMs: number;
    }
  | {
      readonly kind: 'power-off';
      readonly at: number;
      readonly pod: number;
      readonly ms: number;
      readonly returns: boolean;
    }
  /** Deleted, and made anew with data that are not the group's. */
  | { readonly kind: 'foreign-pod'; readonly at: number; readonly pod: number; readonly ms: number }
  | { readonly kind: 'crash-all'; readonly at: number; readonly ms: number }
  | { readonly kind: 'scale-away'; readonly at: number; readonly ms: number }
  | { readonly kind: 'delete-lease'; readonly at: number }
  | { readonly kind: 'promote-by-hand'; readonly at: number; readonly pod: number }
  | { readonly kind: 'label-by-hand'; readonly at: number; readonly pod: number }
  | { readonly kind: 'wall-jump'; readonly at: number; readonly pod: number; readonly ms: number }
  /** A person asks for another master: `target` is an ordinal, or -1 for whoever is best. */
  | {
      readonly kind: 'switchover';
      readonly at: number;
      readonly target: number;
      readonly expiresMs: number;
    }
  /** The clock that everything is timed by is set ahead: a machine that was moved or restored. */
  | {
      readonly kind: 'boot-clock-jump';
      readonly at: number;
      readonly pod: number;
      readonly ms: number;
    }
  /** A person forces an election, within so long; `waits`: not while there is a master. */
  | { readonly kind: 'force'; readonly at: number; readonly ms: number; readonly waits: boolean }
  /** A person stays for so long, and gives up whatever data the agents ask about. */
  | { readonly kind: 'discard-data'; readonly at: number; readonly ms: number }
  /** A person pauses the failover, and resumes it after so long, unless the pause ended by itself before. */
  | {
      readonly kind: 'pause';
      readonly at: number;
      readonly ms: number;
      readonly expiresMs: number;
    };

type FaultKind = Fault['kind'];
type Later = 'flap' | 'switchover' | 'force' | 'discard-data' | 'pause';
/** What is drawn among others; a link that flaps comes alone, and a person's words beside all else. */
type DrawnKind = Exclude<FaultKind, Later>;

/** Alone, none of these may cost the master its role (I11, I13, scenarios 12, 14 and 39). */
const HARMLESS: ReadonlySet<FaultKind> = new Set([
  'api-refuses',
  'api-hangs',
  'cut-api',
  'cut-api-back',
  'break-watches',
  'wall-jump',
  'label-by-hand',
  'watch-lag',
  'pause',
]);
/** Validity less a renewal that is just due, 1200 - 500, and a margin (scenario 40). */
const HARMLESS_STALL_MS = 600;

export function isHarmless(fault: Fault): boolean {
  if (fault.kind === 'flap') return fault.from === 'api';
  const isStall = fault.kind === 'stop-agent' || fault.kind === 'suspend';
  return isStall ? fault.ms < HARMLESS_STALL_MS : HARMLESS.has(fault.kind);
}

/** Its `ms` is no duration. */
export function isJump({ kind }: Fault): boolean {
  return kind === 'wall-jump' || kind === 'boot-clock-jump';
}

export type Schedule = {
  readonly seed: number;
  readonly setup: Setup;
  /**
   * `cold`: empty pods and no Lease. `running`: a group that works, whose agents all just started. `adopted`: a group
   * made by hand, whose pods are replaced by ones with agents.
   */
  readonly start: 'cold' | 'running' | 'adopted';
  /** So long the group must be healthy before the faults begin, and again at the end. */
  readonly steadyMs: number;
  readonly faults: readonly Fault[];
};

const VERSIONS: readonly RedisVersion[] = ['6.0', '7.0', '8.0', 'valkey-8'];
/** The master is who most faults should hit. */
const MASTER = -1;
/** When the first fault may come in a running group, and over how long they are spread. */
const FIRST_FAULT_MS = 100;
const SPREAD_MS = 1400;
const STORM_MS = 500;
const STEADY_MS = 100;
/** Schedules that were stored before this could differ. */
const STORED_STEADY_MS = 500;
/** Since they settled, agents look at their Redis ten times less often. */
const CALM_MS = 3500;
const CALM_SHARE = 0.03;
/** A person is slower than what goes wrong. */
const PERSON_SPREAD_MS = 4000;
const PERSON_MS = 5000;
const ADOPTED_SHARE = 0.015;
const ADOPTED_SPREAD_MS = 5000;
/** What no rule of ours keeps harmless where there is no agent yet, and leaves the rest to a person. */
const UNGUARDED: ReadonlySet<FaultKind> = new Set([
  'kill-redis',
  'kill-both',
  'crash-all',
  'scale-away',
]);
const REUSED_SHARE = 0.04;
const PAUSED_SHARE = 0.05;
const PAUSED_SPREAD_MS = 2000;
const ISOLATED_SHARE = 0.02;
const ISOLATED_TIMES = 2;

/** Somebody took a member's data apart from the group's, or took away all that was known of it. */
export const MADE_BY_HAND: ReadonlySet<FaultKind> = new Set([
  'promote-by-hand',
  'delete-lease',
  'foreign-pod',
]);

const CORE: Setup['core'] = {
  protocol: 1,
  timing: TIMING_PROFILES.fast,
  redisTimeoutMs: 1000,
  maxFailoverLagBytes: null,
  ageBeatsBytes: 0,
  priorityFirst: false,
  proceedsWithoutMissing: false,
  confirmedBy: 0,
  isolates: false,
  killsFrozen: false,
  failsOverUnwritable: false,
};

/** Where the fast profile waits for too short a time, the next one. */
function timingOf(isolates: boolean): Timing {
  return isolates && isolationFault(TIMING_PROFILES.fast) !== null
    ? TIMING_PROFILES.balanced
    : TIMING_PROFILES.fast;
}

function setupFrom(random: SeededRandom): Setup {
  const members = random.pick([2, 2, 2, 3, 3, 3, 3, 3, 3, 4]);
  const persistence = random.pick(['none', 'rdb', 'aof'] as const);
  const hasPriorities = random.chance(0.1);
  return {
    members,
    version: random.pick(VERSIONS),
    persistence,
    bootFence: random.chance(0.85),
    isClaimed: persistence !== 'none' && random.chance(0.8),
    // The first is the master at the start, and the last one may always be promoted.
    syncMs: random.pick([5, 5, 5, 5, 5, 100, 100, 900]),
    priorities: Array.from({ length: members }, (_, index) =>
      hasPriorities && index > 0 && index < members - 1 ? random.pick([0, 10, 100]) : 100,
    ),
    core: CORE,
    laterFrom: members,
    reusesAddresses: false,
  };
}

/** Drawn apart from all else: a seed is the same schedule with and without these. */
function withPolicies(setup: Setup, random: SeededRandom): Setup {
  const { members } = setup;
  const laterFrom = random.chance(0.1) ? random.integer(members + 1) : members;
  const confirmedBy = random.chance(0.25) ? 1 + random.integer(members - 1) : 0;
  const proceedsWithoutMissing = random.chance(0.2);
  const killsFrozen = random.chance(0.25);
  const core = { ...setup.core, confirmedBy, proceedsWithoutMissing, killsFrozen };
  return { ...setup, laterFrom, core };
}

/** Drawn apart again. Its wait is longer, and so is what goes wrong. */
function withIsolation(schedule: Schedule, random: SeededRandom): Schedule {
  if (!random.chance(ISOLATED_SHARE)) return schedule;
  const { setup, faults } = schedule;
  const core = { ...setup.core, isolates: true, timing: timingOf(true) };
  const longer = faults.map((fault) =>
    'ms' in fault && !isJump(fault) && fault.kind !== 'force'
      ? { ...fault, ms: fault.ms * ISOLATED_TIMES }
      : fault,
  );
  return { ...schedule, setup: { ...setup, core }, faults: longer };
}

/** Drawn apart again. What goes wrong is spread over the whole of the rolling restart. */
function asAdopted(schedule: Schedule, random: SeededRandom): Schedule {
  if (!random.chance(ADOPTED_SHARE)) return schedule;
  if (random.chance(0.25)) return { ...schedule, start: 'adopted', faults: [] };
  const spread = schedule.faults
    .filter(({ kind }) => !UNGUARDED.has(kind) || random.chance(0.3))
    .map((fault) => ({ ...fault, at: random.integer(ADOPTED_SPREAD_MS) }));
  return { ...schedule, start: 'adopted', faults: spread.toSorted((a, b) => a.at - b.at) };
}

/** Drawn apart again. Pods that end together come back with each other's addresses. */
function withReuse(schedule: Schedule, random: SeededRandom): Schedule {
  if (!random.chance(REUSED_SHARE)) return schedule;
  const setup = { ...schedule.setup, reusesAddresses: true };
  const { members } = setup;
  const from = FIRST_FAULT_MS + random.integer(SPREAD_MS);
  const ended = Array.from({ length: random.integer(3) }, (): Fault => {
    const at = from + random.integer(STORM_MS);
    const pod = random.chance(0.5) ? MASTER : random.integer(members);
    const ms = randomMs(random, 20, 1000);
    return random.pick<Fault>([
      { kind: 'delete-pod', at, pod, ms },
      { kind: 'force-delete', at, pod, ms, ghostMs: randomMs(random, 10, 1000) },
      { kind: 'power-off', at, pod, ms, returns: false },
      { kind: 'scale-away', at, ms },
    ]);
  });
  const faults = [...schedule.faults, ...ended].toSorted((a, b) => a.at - b.at);
  return { ...schedule, setup, faults };
}

function randomMs(random: SeededRandom, smallest: number, greatest: number): number {
  // As many short ones as long ones: the interesting lengths lie on every scale.
  return Math.round(smallest * (greatest / smallest) ** random.real());
}

const KINDS: readonly (readonly [DrawnKind, weight: number])[] = [
  ['kill-redis', 10],
  ['kill-agent', 6],
  ['kill-both', 6],
  ['kill-agent-at-effect', 10],
  ['freeze-redis', 6],
  ['stop-agent', 8],
  ['suspend', 4],
  ['cut', 7],
  ['isolate', 7],
  ['cut-api', 7],
  ['cut-api-back', 4],
  ['slow', 4],
  ['api-refuses', 4],
  ['api-hangs', 4],
  ['api-trouble', 5],
  ['api-slow', 4],
  ['watch-lag', 5],
  ['break-watches', 3],
  ['delete-pod', 8],
  ['force-delete', 4],
  ['power-off', 5],
  ['crash-all', 3],
  ['scale-away', 2],
  ['delete-lease', 3],
  ['promote-by-hand', 2],
  ['foreign-pod', 2],
  ['label-by-hand', 1],
  ['wall-jump', 2],
];
const WEIGHTS = KINDS.reduce((sum, [, weight]) => sum + weight, 0);

function kindFrom(random: SeededRandom): DrawnKind {
  let left = random.integer(WEIGHTS);
  for (const [kind, weight] of KINDS) {
    left -= weight;
    if (left < 0) return kind;
  }
  return 'kill-redis';
}

function faultFrom(random: SeededRandom, at: number, members: number): Fault {
  const pod = random.chance(0.65) ? MASTER : random.integer(members);
  const other = random.integer(members);
  const ms = randomMs(random, 50, 4000);
  const kind = kindFrom(random);
  switch (kind) {
    case 'kill-redis':
    case 'kill-both':
      return { kind, at, pod, ms: randomMs(random, 20, 2500) };
    case 'kill-agent':
      return { kind, at, pod, ms: randomMs(random, 20, 4000) };
    case 'kill-agent-at-effect':
      return { kind, at, pod, ms: randomMs(random, 20, 2500), effects: random.integer(8) };
    case 'cut':
      return { kind, at, pod, other, ms };
    case 'slow':
      return {
        kind,
        at,
        pod,
        other,
        ms,
        delayMs: randomMs(random, 1, 300),
        loss: random.pick([0, 0.05, 0.3]),
      };
    case 'api-refuses':
    case 'api-hangs':
    case 'crash-all':
    case 'scale-away':
      return { kind, at, ms };
    case 'api-trouble':
      return {
        kind,
        at,
        pod,
        ms,
        status: random.pick([403, 409, 500, 0]),
        share: random.pick([0.3, 0.7, 1]),
        isDone: random.chance(0.4),
      };
    case 'api-slow':
    case 'watch-lag':
      return { kind, at, pod, ms, delayMs: randomMs(random, 20, 1500) };
    case 'break-watches':
    case 'delete-lease':
      return { kind, at };
    case 'delete-pod':
    case 'foreign-pod':
      return { kind, at, pod, ms: randomMs(random, 20, 1500) };
    case 'force-delete':
      return { kind, at, pod, ms: randomMs(random, 20, 1500), ghostMs: randomMs(random, 10, 4000) };
    case 'power-off':
      return { kind, at, pod, ms, returns: random.chance(0.6) };
    case 'promote-by-hand':
    case 'label-by-hand':
      return { kind, at, pod };
    case 'wall-jump':
      return { kind, at, pod, ms: random.pick([-300_000, 300_000]) };
    case 'boot-clock-jump':
    case 'stop-agent':
      return { kind, at, pod, ms: randomMs(random, 50, 5000) };
    case 'freeze-redis':
    case 'suspend':
    case 'isolate':
    case 'cut-api':
    case 'cut-api-back':
      return { kind, at, pod, ms };
  }
}

type Added = 'laterFrom' | 'reusesAddresses';
/** Stored before a setup could tell as much as today. */
type StoredSchedule = Omit<Schedule, 'setup' | 'steadyMs'> & {
  readonly steadyMs?: number;
  readonly setup: Omit<Setup, Added> & Partial<Pick<Setup, Added>>;
};

/** A schedule as it was stored; what it does not tell, timing included, is of today. */
export function scheduleOf(text: string): Schedule {
  const data = JSON.parse(text) as StoredSchedule | { readonly schedule: StoredSchedule };
  const { setup, ...schedule } = 'schedule' in data ? data.schedule : data;
  const { steadyMs = STORED_STEADY_MS, ...rest } = schedule;
  const stored = { ...CORE, ...setup.core };
  const core = { ...stored, timing: timingOf(stored.isolates) };
  const { laterFrom = setup.members, reusesAddresses = false } = setup;
  return { ...rest, steadyMs, setup: { ...setup, laterFrom, reusesAddresses, core } };
}

function flapFrom(random: SeededRandom): Fault {
  return {
    kind: 'flap',
    at: FIRST_FAULT_MS + random.integer(500),
    pod: MASTER,
    ms: 3000 + random.integer(5000),
    from: random.pick(['api', 'peers', 'both', 'both']),
    offMs: randomMs(random, 200, 4000),
    onMs: randomMs(random, 200, 4000),
  };
}

/** Drawn apart from all else, as policies are. */
function personFrom(random: SeededRandom, faults: readonly Fault[]): Fault[] {
  const firstAt = Math.min(...faults.map(({ at }) => at));
  const at = (): number => firstAt + random.integer(PERSON_SPREAD_MS);
  const added: Fault[] = [];
  const isForced = random.chance(0.04);
  const isAsked = faults.some(({ kind }) => MADE_BY_HAND.has(kind)) && random.chance(0.5);
  const count = isForced ? random.pick([1, 1, 2]) : 0;
  for (let index = 0; index < count; index++) {
    added.push({ kind: 'force', at: at(), ms: PERSON_MS, waits: random.chance(0.6) });
  }
  // Beside one of foreign data there may be other conflicts, and none at all.
  if (!isAsked && random.chance(0.01)) {
    const pod = random.chance(0.5) ? MASTER : random.integer(4);
    added.push({ kind: 'foreign-pod', at: at(), pod, ms: randomMs(random, 20, 1500) });
  }
  if (isAsked || added.some(({ kind }) => kind === 'foreign-pod')) {
    added.push({ kind: 'discard-data', at: at(), ms: randomMs(random, 500, 15_000) });
  }
  return added;
}

export function scheduleFrom(seed: number): Schedule {
  const random = new SeededRandom(seed, 1);
  const added = new SeededRandom(seed, 4);
  const setup = withPolicies(setupFrom(random), added);
  const steadyMs = added.chance(CALM_SHARE) ? CALM_MS : STEADY_MS;
  if (added.chance(0.02)) {
    const faults = [flapFrom(added)];
    return { seed, setup, start: 'running', steadyMs, faults };
  }
  const start = random.chance(0.15) ? 'cold' : 'running';
  const count = 1 + random.integer(random.pick([2, 4, 6]));
  // Most of what breaks takes several things at a time.
  const isStorm = random.chance(0.5);
  const spreadMs = isStorm ? STORM_MS : SPREAD_MS;
  const from = FIRST_FAULT_MS + (isStorm ? random.integer(SPREAD_MS - STORM_MS) : 0);
  const faults: Fault[] = [];
  for (let index = 0; index < count; index++) {
    faults.push(faultFrom(random, from + random.integer(spreadMs), setup.members));
  }
  if (start === 'running' && added.chance(0.1)) {
    faults.push({
      kind: 'switchover',
      at: from + added.integer(spreadMs),
      target: added.chance(0.5) ? -1 : added.integer(setup.members),
      expiresMs: randomMs(added, 20, 30_000),
    });
  }
  const person = personFrom(new SeededRandom(seed, 5), faults);
  faults.push(...person);
  faults.sort((a, b) => a.at - b.at);
  const schedule: Schedule = { seed, setup, start, steadyMs, faults };
  const isolated = withIsolation(schedule, new SeededRandom(seed, 6));
  const adopted = asAdopted(isolated, new SeededRandom(seed, 7));
  const reused = withReuse(adopted, new SeededRandom(seed, 8));
  return withPause(reused, new SeededRandom(seed, 9));
}

/** Somebody knows that work goes on, or forgot to say that it is over; it begins before or amidst what goes wrong. */
function withPause(schedule: Schedule, random: SeededRandom): Schedule {
  if (!random.chance(PAUSED_SHARE)) return schedule;
  const { faults } = schedule;
  // A group may be adopted without a fault: there is no first one then.
  const firstAt = faults.length === 0 ? FIRST_FAULT_MS : Math.min(...faults.map(({ at }) => at));
  const at = Math.max(0, firstAt - 100 + random.integer(PAUSED_SPREAD_MS));
  const ms = randomMs(random, 200, 15_000);
  const expiresMs = randomMs(random, 100, 30_000);
  const pause: Fault = { kind: 'pause', at, ms, expiresMs };
  return { ...schedule, faults: [...faults, pause].toSorted((a, b) => a.at - b.at) };
}
