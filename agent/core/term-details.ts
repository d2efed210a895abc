// What the record tells people of a term beside its reason: who was compared, why the best was the best, how long
// nobody could write, and what was lost. Nothing is decided by it.
//
// Invariant: it does not grow with the group or with time; every renewal writes it.

import type { Contender, TermDetails } from '../../src/group-facts.ts';
import { betterClaim } from './election.ts';
import type { AgentState, Holder, TermEntry } from './model.ts';
import { heardMembers, rankedMembers, recordOf, whyUnfit } from './view.ts';

const CONTENDERS_MAX = 9;
const TEXT_MAX = 120;
/** Terms whose details are kept; of older ones the reason is. */
const DETAILED_MAX = 5;

/** Who could have had the term that `holder` gets; the one that gives it away is none of them. */
export function detailsOf(state: AgentState, holder: Holder | null): TermDetails {
  const { uid: own } = state.config.self;
  const isOther = ({ uid }: { readonly uid: string }): boolean =>
    holder?.uid === own || uid !== own;
  const ranked = rankedMembers(state).filter(isOther);
  const known = new Set(ranked.map(({ uid }) => uid));
  const unfit = heardMembers(state).filter((member) => isOther(member) && !known.has(member.uid));
  const among: readonly Contender[] = [
    ...ranked.map(({ pod, offset }) => ({ pod, offset })),
    ...unfit.map((member) => ({
      pod: member.pod,
      offset: member.offset,
      problem: whyUnfit(state, member).slice(0, TEXT_MAX),
    })),
  ].slice(0, CONTENDERS_MAX);
  const [best, second] = ranked;
  // Another one than the best was wanted: the reason of the term tells it.
  if (best === undefined || best.uid !== holder?.uid || second === undefined) return { among };
  const rule = betterClaim(best, second, recordOf(state), state.config);
  return { among, rule: rule.slice(0, TEXT_MAX) };
}

/** The history without the details of terms that are long gone. */
export function briefly(history: readonly TermEntry[]): readonly TermEntry[] {
  const since = history.length - DETAILED_MAX;
  return history.map((entry, index) => (index < since ? withoutDetails(entry) : entry));
}

export function withoutDetails(entry: TermEntry): TermEntry {
  const { details: _details, ...rest } = entry;
  return rest;
}

/** The history with what was learned since: how long this pod's promotion took, and what others lost by one. */
export function withOutcomes(state: AgentState): readonly TermEntry[] {
  const { promotion } = state;
  const { history } = recordOf(state);
  return history.map((entry) => {
    const { term, details } = entry;
    if (details === undefined) return entry;
    const lostBytes = greater(details.lostBytes, lostBy(state, term));
    const took =
      promotion?.term === term && promotion.pauseMs !== null
        ? { kind: promotion.kind, pauseMs: Math.round(promotion.pauseMs) }
        : {};
    const lost = lostBytes === undefined ? {} : { lostBytes };
    return { ...entry, details: { ...details, ...took, ...lost } };
  });
}

/** Only who was master before can have had more than its successor got. */
function lostBy(state: AgentState, term: number): number | undefined {
  const { history, lineage } = recordOf(state);
  const opened = new Set(lineage.map((entry) => entry.term));
  const before = history.findLast((entry) => entry.term < term && opened.has(entry.term));
  if (before === undefined) return undefined;
  const { lost, config } = state;
  // It may lead again before its successor wrote down what it told.
  const own = [{ pod: config.self.pod, lost }];
  const others = [...state.peers.values()].map(({ report }) => ({
    pod: report.podName,
    lost: report.lost,
  }));
  const all = [...own, ...others];
  return all.find((each) => each.pod === before.holder && each.lost?.term === term)?.lost?.bytes;
}

/** What is lost once is never found again. */
function greater(known: number | undefined, told: number | undefined): number | undefined {
  return known === undefined || told === undefined ? (told ?? known) : Math.max(known, told);
}
