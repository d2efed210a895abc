// What people are told, step by step: the notices of each step, and those that need a memory, because they tell that
// something ended or that it lasts. Pure; nothing of it changes what is done.

import { handoverTargets, targetProblem } from './handover.ts';
import type { AgentEvent, AgentState } from './model.ts';
import type { Notice } from './notice-table.ts';
import { noticesOf } from './notices.ts';
import { type Rival, rivalsAfter } from './rivals.ts';
import { isManaged, leaseOf, localInstance, peerMember, whyUnfit } from './view.ts';
import { type Weakness, weaknessesOf } from './weaknesses.ts';

/** One step of the core as it was made. */
export type Told = {
  readonly before: AgentState;
  readonly event: AgentEvent;
  readonly after: AgentState;
};

export type Memory = {
  /** Second masters that were told of, by UID. */
  readonly rivals: ReadonlyMap<string, Rival>;
  readonly fencedAt: number | null;
  /** What lasts, since when, and whether it was told. */
  readonly lasting: ReadonlyMap<string, { readonly since: number; readonly isTold: boolean }>;
  readonly lookedAt: number;
};

export const NOTHING_TOLD: Memory = {
  rivals: new Map(),
  fencedAt: null,
  lasting: new Map(),
  lookedAt: Number.NEGATIVE_INFINITY,
};

/** What lasts is looked at once a second, by a tick. */
const LOOK_MS = 1000;
/** Every change of master has such a moment, and every rolling update a longer one. */
const NO_CANDIDATE_MS = 30_000;
/** Isolation comes into force some hundred milliseconds after a promotion. */
const WEAK_MS = 10_000;
/** Names in one sentence. */
const NAMED_MAX = 5;
/** The others have a code of src/errors.ts, and an Event named after it. */
const WITHOUT_CODE: readonly Weakness[] = ['boot_fence', 'isolation'];

export function narrate(
  memory: Memory,
  step: Told,
): { notices: readonly Notice[]; memory: Memory } {
  const { before, event, after } = step;
  const now = noticesOf(before, event, after);
  const rivals = rivalsAfter(memory.rivals, now, event, after);
  const fence = fenceAfter(memory.fencedAt, now, before, after);
  const isDue = event.kind === 'tick' && after.now - memory.lookedAt >= LOOK_MS;
  const lasting = isDue
    ? lastingAfter(memory.lasting, after)
    : { notices: [], lasting: memory.lasting };
  return {
    notices: [...now, ...rivals.notices, ...fence.notices, ...lasting.notices],
    memory: {
      rivals: rivals.rivals,
      fencedAt: fence.fencedAt,
      lasting: lasting.lasting,
      lookedAt: isDue ? after.now : memory.lookedAt,
    },
  };
}

function fenceAfter(
  fencedAt: number | null,
  now: readonly Notice[],
  before: AgentState,
  after: AgentState,
): { notices: readonly Notice[]; fencedAt: number | null } {
  if (now.some(({ reason }) => reason === 'Fenced')) return { notices: [], fencedAt: after.now };
  if (fencedAt === null) return { notices: [], fencedAt };
  const leads = after.phase === 'Leading' && before.phase !== 'Leading';
  const follows = after.phase === 'Following' && localInstance(after)?.linkUp === true;
  if (!leads && !follows) return { notices: [], fencedAt };
  const seconds = ((after.now - fencedAt) / 1000).toFixed(1);
  const { holder, term } = leaseOf(after) ?? {};
  const what = leads ? `it is master of term ${term}` : `it follows ${holder?.pod ?? 'the master'}`;
  const note = `${what}, ${seconds} s after it was fenced`;
  return { notices: [{ reason: 'Unfenced', note }], fencedAt: null };
}

function lastingAfter(
  known: Memory['lasting'],
  state: AgentState,
): { notices: readonly Notice[]; lasting: Memory['lasting'] } {
  const notices: Notice[] = [];
  const lasting = new Map<string, { since: number; isTold: boolean }>();
  for (const { key, afterMs, notice } of presentOf(state)) {
    const { since, isTold } = known.get(key) ?? { since: state.now, isTold: false };
    const isDue = state.now - since >= afterMs;
    if (isDue && !isTold) notices.push(notice());
    lasting.set(key, { since, isTold: isTold || isDue });
  }
  return { notices, lasting };
}

type Present = { readonly key: string; readonly afterMs: number; readonly notice: () => Notice };

function presentOf(state: AgentState): readonly Present[] {
  const weak = weaknessesOf(state);
  const weaknesses = WITHOUT_CODE.flatMap((code): readonly Present[] => {
    const text = weak.get(code);
    if (text === undefined) return [];
    const notice = (): Notice => ({ reason: 'WeakProtection', note: `${code}: ${text}` });
    return [{ key: code, afterMs: WEAK_MS, notice }];
  });
  if (!isAlone(state)) return weaknesses;
  const notice = (): Notice => ({ reason: 'NoCandidate', note: whyAlone(state) });
  return [...weaknesses, { key: 'candidate', afterMs: NO_CANDIDATE_MS, notice }];
}

/** An open master of a group of several, from which nobody could take over now. */
function isAlone(state: AgentState): boolean {
  if (state.phase !== 'Leading' || localInstance(state)?.role !== 'master') return false;
  return othersOf(state).length > 0 && handoverTargets(state).length === 0;
}

function othersOf(state: AgentState): NonNullable<AgentState['pods']> {
  const { uid } = state.config.self;
  return (state.pods ?? []).filter(
    (pod) => pod.uid !== uid && !pod.terminal && isManaged(state, pod),
  );
}

function whyAlone(state: AgentState): string {
  const others = othersOf(state);
  const whys = others.slice(0, NAMED_MAX).map(({ name, uid }) => {
    const peer = state.peers.get(uid);
    const member = peer === undefined ? null : peerMember(peer);
    const unfit = member === null ? 'its Redis does not answer' : whyUnfit(state, member);
    const why = peer === undefined ? 'its agent was not heard' : targetProblem(state, peer);
    return `${name}: ${why ?? unfit}`;
  });
  const more = others.length - NAMED_MAX;
  const rest = more > 0 ? `; and ${more} more` : '';
  return `nobody could take over from ${state.config.self.pod}: ${whys.join('; ')}${rest}`;
}
