// The goal of a planned transfer, as its taker sees it: everything that the previous holder
// acknowledged must be here before this instance is promoted (rules 3 and 4).

import type { Member } from './election.ts';
import { transfer } from './holding.ts';
import { lastOpened } from './lineage.ts';
import type { AgentState, Candidate, GroupRecord, Instance } from './model.ts';
import type { Turn } from './turn.ts';
import { candidateOf, localInstance, peerMember, recordOf } from './view.ts';

const GOAL_WAIT_MS = 2000;
/** Its agent tells within milliseconds; one that is silent is asked through its Redis. */
const GIVER_WAIT_MS = 150;
const GIVER_REPEAT_MS = 200;

/** The instance that the previous holder served with, or null. */
function giver(state: AgentState): Candidate | null {
  const { previous, candidates } = recordOf(state);
  return candidates.find(({ uid }) => uid === previous?.uid) ?? null;
}

/** Whether the previous holder may still serve: it has not told yet where it stopped. */
export function isGoalOpen(state: AgentState): boolean {
  return recordOf(state).goal === 'pending' && goalOf(state) === null && !isLost(state);
}

/** The offset that this instance must have, or null while nobody has told it. */
export function goalOf(state: AgentState): number | null {
  const record = recordOf(state);
  if (record.goal !== 'pending') return record.goal;
  const told = state.peers.get(record.previous?.uid ?? '')?.report.finalOffset;
  if (told != null && told.term === lastOpened(record)?.term) return told.offset;
  return typeof state.remoteGoal === 'number' ? state.remoteGoal : null;
}

/** The process that served is gone: it accepts nothing more, and nobody will tell the offset. */
function isGiverGone(state: AgentState): boolean {
  if (state.remoteGoal === 'none') return true;
  const known = giver(state);
  const report = state.peers.get(known?.uid ?? '')?.report;
  if (report === undefined) return false;
  return report.refused || (report.instance !== null && report.instance.runId !== known?.runId);
}

/** No offset will be told: the giver is gone, or was silent for so long that its validity ended. */
function isLost(state: AgentState): boolean {
  const isSilent = state.now - state.phaseSince >= state.config.timing.waitMs;
  return goalOf(state) === null && (isSilent || isGiverGone(state));
}

/** What a limbo that was asked for from here says of the giver. */
export function learnGiver(turn: Turn, instance: Instance | null, isConfirmed: boolean): void {
  const { s } = turn;
  const isSame = instance !== null && instance.runId === giver(s)?.runId;
  if (isSame) s.remoteGoal = instance.offset;
  else if (isConfirmed) s.remoteGoal = 'none';
}

/** Only who is not served any more tells a final offset: the giver's Redis is fenced from here. */
function askGiver(turn: Turn): void {
  const { s } = turn;
  const target = giver(s);
  if (!isGoalOpen(s) || target === null || turn.elapsedMs() < GIVER_WAIT_MS) return;
  if (s.now - s.giverAskedAt < GIVER_REPEAT_MS) return;
  s.giverAskedAt = s.now;
  turn.effects.push({ kind: 'fence-remote', targets: [target] });
  turn.say(`${target.pod} does not tell where it stopped: fencing its Redis from here`);
}

export type Goal = 'none' | 'reached' | 'awaited' | 'missed';

/** How far this member is; `missed`: the members are compared, as after a crash. */
export function pursueGoal(turn: Turn, self: Member | null): Goal {
  const { s } = turn;
  const record = recordOf(s);
  if (record.goal === null || record.previous === null) return 'none';
  const goal = goalOf(s);
  if (goal !== null && self !== null && hasReached(self, goal, record)) return 'reached';
  if (isLost(s)) return 'missed';
  // A process that restarted has not what it had when it was named, and never will have.
  const hasRestarted = candidateOf(s)?.runId !== localInstance(s)?.runId;
  const isHopeless = hasRestarted || (goal !== null && turn.elapsedMs() >= GOAL_WAIT_MS);
  if (isHopeless && returnToPrevious(turn, self)) return 'awaited';
  if (isHopeless && goal !== null) return 'missed';
  askGiver(turn);
  return 'awaited';
}

/** The goal counts under the giver's id: what this Redis wrote under another one is no part of it. */
function hasReached(self: Member, goal: number, record: GroupRecord): boolean {
  const giver = lastOpened(record)?.replid;
  if (giver === undefined || ![self.replid, self.replid2].includes(giver)) return false;
  const reached = self.replid === giver ? self.offset : self.secondOffset - 1;
  return reached >= goal;
}

/** Rule 4: the goal was not reached; the previous holder has all data and takes over again. */
function returnToPrevious(turn: Turn, self: Member | null): boolean {
  const { s } = turn;
  const previous = recordOf(s).previous;
  const exists = s.pods?.some((pod) => pod.uid === previous?.uid && !pod.terminal);
  const peer = previous === null ? undefined : s.peers.get(previous.uid);
  const back = peer === undefined ? null : peerMember(peer);
  // Its agent, or this one, may have started just now.
  if (exists === true && back === null && turn.elapsedMs() < GOAL_WAIT_MS) return true;
  if (exists === true && back !== null) {
    const reason = `offset ${self?.offset ?? 'unknown'} did not reach the goal in time`;
    transfer(turn, back, reason, { goal: null, decided: false });
    return true;
  }
  return false;
}
