// One look at one group: its Lease, its pods, and what their agents say. What may not be looked at is named.

import { type GroupView, groupView } from '../../src/group-view.ts';
import { isObjectName } from '../../src/names.ts';
import { type AgentAnswer, askAgent } from './agents.ts';
import type { Cluster } from './cluster.ts';
import type { GroupName } from './find-groups.ts';
import { gather, type Heard, speakerOf } from './gather.ts';
import { askLease, askPods } from './group-objects.ts';
import { inTurn } from './in-turn.ts';
import {
  hasAgent,
  isEnded,
  itemsIn,
  type LeaseRecord,
  podsPath,
  type RawPod,
  readLease,
} from './raw-objects.ts';

/** Pods that no label tells of are asked for one by one. */
const UNLABELLED_MAX = 64;

export type Look = {
  readonly view: GroupView;
  readonly lease: LeaseRecord | null | undefined;
  readonly pods: readonly RawPod[];
  /** By UID. */
  readonly heard: ReadonlyMap<string, Heard>;
  /** Rights that are missing, in words, each once. */
  readonly missing: readonly string[];
  /** What failed otherwise. */
  readonly faults: readonly string[];
  /** Not one agent was heard, and it is not their fault: nobody knows how the group is. */
  readonly isBlind: boolean;
  readonly serverEpochMs: number;
  /** By our own clock. */
  readonly lookedAt: number;
};

export type Clock = { readonly now: () => number; readonly sleep: (ms: number) => Promise<void> };

export async function look(
  cluster: Cluster,
  namespace: string,
  group: string,
  clock: Clock,
): Promise<Look> {
  const missing = new Set<string>();
  const faults: string[] = [];
  const note = (refusal: { missing: string | null; detail: string }): void => {
    if (refusal.missing === null) faults.push(refusal.detail);
    else missing.add(refusal.missing);
  };
  const place = { namespace, group };
  const [leased, listed] = await Promise.all([askLease(cluster, place), askPods(cluster, place)]);
  if (!leased.ok && leased.status !== 404) note(leased);
  if (!listed.ok) note(listed);
  const gone = !leased.ok && leased.status === 404 ? null : undefined;
  const lease = leased.ok ? readLease(leased.body) : gone;
  const lookedAt = clock.now();
  const serverEpochMs = (leased.ok ? leased.serverEpochMs : null) ?? lookedAt;

  const pods = listed.ok ? [...itemsIn(listed.body)] : [];
  const heard = new Map<string, AgentAnswer>();
  const hear = async (some: readonly RawPod[]): Promise<void> => {
    const asked = some.filter((pod) => hasAgent(pod) && !isEnded(pod));
    await Promise.all(
      asked.map(async (pod) => {
        const answer = await askAgent(cluster, namespace, pod);
        heard.set(pod.metadata?.uid ?? '', answer);
        if (answer.missing !== undefined) missing.add(answer.missing);
      }),
    );
  };
  const fetch = async (names: readonly string[]): Promise<readonly RawPod[]> => {
    const known = new Set(pods.map(({ metadata }) => metadata?.name));
    // Agents say these: a word that is no name would lead to another object.
    const wanted = names
      .filter((name) => isObjectName(name) && !known.has(name))
      .slice(0, UNLABELLED_MAX);
    const answers = await Promise.all(
      wanted.map(async (name) =>
        cluster.ask<RawPod>({
          right: { verb: 'get', resource: 'pods', namespace },
          path: `${podsPath(namespace)}/${name}`,
        }),
      ),
    );
    for (const answer of answers) if (!answer.ok && answer.status !== 404) note(answer);
    const found = answers.flatMap((answer) => (answer.ok ? [answer.body] : []));
    pods.push(...found);
    return found;
  };

  await hear(pods);
  // A hand-written sidecar's pods have no label of ours: the holder is known, and knows the others.
  if (pods.length === 0 && lease?.holder != null) await hear(await fetch([lease.holder]));
  const told = speakerOf(heard)?.view.members.map(({ pod }) => pod) ?? [];
  if (told.length > 0) await hear(await fetch(told));

  const facts = gather({ namespace, group, nowEpochMs: serverEpochMs, lease, pods, heard });
  const isHeard = facts.members.some((member) => member.isHeard);
  const isBlind = !isHeard && (missing.size > 0 || faults.length > 0);
  const view = groupView(facts);
  return {
    view: isBlind ? { ...view, summary: blindSummary([...missing], faults) } : view,
    lease,
    pods,
    heard,
    missing: [...missing],
    faults: [...new Set(faults)],
    isBlind,
    serverEpochMs,
    lookedAt,
  };
}

function blindSummary(missing: readonly string[], faults: readonly string[]): string {
  const denied = missing.length === 0 ? [] : [`you may not ${missing.join(', nor ')}`];
  return `no agent could be asked: ${[...denied, ...faults].join('; ')}`;
}

/** Whether there is such a group at all, as far as could be seen. */
export function isThere({ lease, pods, isBlind }: Look): boolean {
  return lease !== null || pods.length > 0 || isBlind;
}

/** Those of these groups that are there. */
export async function lookAtAll(
  cluster: Cluster,
  names: readonly GroupName[],
  clock: Clock,
): Promise<readonly Look[]> {
  const looks = await inTurn(
    names,
    async ({ namespace, group }) => await look(cluster, namespace, group, clock),
  );
  return looks.filter(isThere);
}
