// A change of master that a person asks for: begun or refused once, and told what became of it.

import type { RequestAnswer } from '../../src/wire.ts';
import { handoverTarget, mayHandOver, targetProblem } from './handover.ts';
import type { AgentState, GroupRecord, SwitchoverRequest, TermEntry } from './model.ts';
import type { Turn } from './turn.ts';
import { isHolder, leaseOf, peerMember, recordOf, whyUnfit } from './view.ts';

/** Why the pod that was asked for cannot take over now. */
function refusalOf(turn: Turn, { target }: SwitchoverRequest): string {
  const { s } = turn;
  if (s.failsafe.round !== 0) return 'the API server does not answer';
  if (!mayHandOver(s)) return 'the master has only just begun to lead, or to hand over in vain';
  if (target === null) return 'no replica is in sync with the master';
  if (target === s.config.self.pod) return `${target} is the master already`;
  const peer = [...s.peers.values()].find(({ report }) => report.podName === target);
  if (peer === undefined) return `${target} is no member that this agent hears`;
  const member = peerMember(peer);
  const unfit = member === null ? 'its Redis does not answer' : whyUnfit(s, member);
  return `${target} cannot take over: ${targetProblem(s, peer) ?? unfit}`;
}

/** The request that nobody answered yet, as far as this agent knows. */
function openRequest(s: AgentState): SwitchoverRequest | null {
  const { request } = s;
  if (request === null || request.id === s.answer?.id) return null;
  // Answered by the master before, or by the agent before this one: that answer is the one that counts.
  const record = recordOf(s);
  const isAnswered = record.answered === request.id || termOf(request, record) !== undefined;
  return isAnswered ? null : request;
}

/** The term that this request brought about. */
function termOf(request: { readonly id: string }, { history }: GroupRecord): TermEntry | undefined {
  return history.findLast(({ request: made }) => made === request.id);
}

function answer({ s }: Turn, { id }: { id: string }, given: Omit<RequestAnswer, 'id'>): void {
  if (s.answer?.id !== id) s.answerToRecord = id;
  s.answer = { id, ...given };
}

function refuse(turn: Turn, request: SwitchoverRequest, detail: string): false {
  answer(turn, request, { outcome: 'refused', detail });
  turn.say(`switchover ${request.id} refused: ${detail}`);
  return false;
}

/** A switchover that a person asked for: begun, or refused with the reason; each request once. */
export function answerRequest(turn: Turn): boolean {
  const { s } = turn;
  const request = openRequest(s);
  const lease = leaseOf(s);
  if (request === null || lease === null) return false;
  if (request.id === s.requestAtStart) {
    return refuse(turn, request, 'the agent has restarted since it was made: ask again');
  }
  if (request.until <= s.now) return refuse(turn, request, 'it expired before it was seen');
  if (request.term !== lease.term) {
    const detail = `it was made for term ${request.term}, and this is term ${lease.term}`;
    return refuse(turn, request, detail);
  }
  const target = handoverTarget(turn, request.target);
  if (target === null) return refuse(turn, request, refusalOf(turn, request));
  const detail = `handing over to ${target.pod}, asked for by ${request.by}`;
  answer(turn, request, { outcome: 'begun', detail });
  turn.enter('HandingOver', `switchover ${request.id}: ${detail}`);
  s.switchover = request;
  return true;
}

/** What became of it; and a word about one that expires while the holder is in no state to begin it. */
export function concludeRequest(turn: Turn): void {
  const { s } = turn;
  const request = openRequest(s);
  const isStuck = s.phase === 'Leading' || s.phase === 'Fenced' || s.phase === 'Fencing';
  if (request !== null && isStuck && isHolder(s) && request.until <= s.now) {
    refuse(turn, request, `it expired while the master was not able to hand over: ${s.reason}`);
  }
  if (s.answer?.outcome !== 'begun') return;
  const conclusion = conclusionOf(s, s.answer.id);
  if (conclusion === null) return;
  answer(turn, s.answer, conclusion);
  if (conclusion.outcome === 'undone') {
    turn.say(`switchover ${s.answer.id} undone: ${conclusion.detail}`);
  }
}

function conclusionOf(s: AgentState, id: string): Omit<RequestAnswer, 'id'> | null {
  const record = recordOf(s);
  const made = termOf({ id }, record);
  const latest = record.history.at(-1);
  if (made === undefined) {
    // While a write is under way or in doubt, it may still be the one that gives the Lease away.
    const isDecided = s.phase !== 'HandingOver' && s.pendingWrite === null && !s.unsure;
    return isDecided ? { outcome: 'undone', detail: s.reason } : null;
  }
  if (record.lineage.some(({ term }) => term === made.term)) {
    return { outcome: 'done', detail: `${made.holder} leads since term ${made.term}` };
  }
  if (latest === undefined || latest.term === made.term) return null;
  const detail = `${made.holder} did not open term ${made.term}; ${latest.holder} took term ${latest.term}: ${latest.reason}`;
  return { outcome: 'undone', detail };
}
