// What becomes of a request: as the agent that was asked tells it, else as the record of the Lease does.

import type { AgentReport, RequestAnswer } from '../../src/wire.ts';
import { askAgent } from './agents.ts';
import type { Cluster } from './cluster.ts';
import { askLease } from './group-objects.ts';
import { type RawPod, readLease } from './raw-objects.ts';

export type Asked = {
  readonly namespace: string;
  readonly group: string;
  readonly id: string;
  /** The pod that was master. */
  readonly master: RawPod;
};

/** Null: nobody has answered yet, as far as can be seen within that time. */
export async function answerTo(
  cluster: Cluster,
  asked: Asked,
  mostMs: number,
): Promise<RequestAnswer | null> {
  const { namespace, id, master } = asked;
  const [heard, lease] = await Promise.all([
    askAgent(cluster, namespace, master, mostMs),
    askLease(cluster, asked, { timeoutMs: mostMs }),
  ]);
  const told = 'report' in heard ? requestIn(heard.report) : null;
  const isConclusion = told?.id === id && told.outcome !== 'begun';
  if (isConclusion) return told;
  const record = lease.ok ? readLease(lease.body) : null;
  const made = record?.history.findLast(({ request }) => request === id);
  if (made !== undefined && record?.opened.includes(made.term) === true) {
    return { id, outcome: 'done', detail: `${made.holder} leads since term ${made.term}` };
  }
  if (told?.id === id) return told;
  return made === undefined
    ? null
    : { id, outcome: 'begun', detail: `term ${made.term} is given to ${made.holder}` };
}

/** Of an agent of another version it may be missing. */
function requestIn({ request }: AgentReport): RequestAnswer | null {
  return request ?? null;
}
