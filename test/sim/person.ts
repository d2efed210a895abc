// A person who overrules the agents: pauses the failover, forces an election, and gives up data that the agents ask about, by
// the words of their problems alone.

import {
  ADOPT_FROM_ANNOTATION,
  DISCARD_DATA_ANNOTATION,
  FORCE_ANNOTATION,
  leaseName,
  PAUSE_ANNOTATION,
  requestLeaseName,
} from '../../src/names.ts';
import { type AgentWorld, GROUP } from './agent.ts';
import type { Stored, StoredLease } from './api-server.ts';
import type { Checker } from './checker.ts';
import type { SimCluster, SimPod } from './cluster.ts';
import { EPOCH_MS } from './process.ts';
import { idsOf } from './redis/dataset.ts';

type Api = AgentWorld['api'];

type Parts = Pick<AgentWorld, 'api' | 'world'> & {
  readonly cluster: SimCluster;
  readonly checker: Checker;
  readonly trace: (who: string, text: string) => void;
};

const LOOK_MS = 100;
/** From reading the term to writing it: another may have begun. */
const HESITATES_MS = 400;
/** `this Redis` is that of the agent that says so. */
const UNKNOWN_DATA =
  /RO_DATA_CONFLICT: (this Redis|\S+) holds \d+ keys of another lineage \((\w+)\)/;

const SEVERAL_MASTERS = /RO_DATA_CONFLICT: pods .* have no agent; annotate the right one/;

/** As `kubectl annotate --overwrite`. */
function annotate(
  api: Api,
  collection: 'pods' | 'leases',
  old: Stored,
  name: string,
  text: string,
) {
  const annotations = { ...old.metadata.annotations, [name]: text };
  api.put(collection, { ...old, metadata: { ...old.metadata, annotations } });
}

/** On the Lease of requests, which is made where there is none. */
export function annotateRequests(api: Api, name: string, text: string): void {
  const old = api.find('leases', requestLeaseName(GROUP));
  annotate(api, 'leases', old ?? { metadata: { name: requestLeaseName(GROUP) } }, name, text);
}

/** By the wall clock of an agent it may end at another time: then the person ends it. */
export function pause(
  { api, world, trace }: Parts,
  words: { ms: number; expiresMs: number },
): void {
  const expires = new Date(EPOCH_MS + world.now() + words.expiresMs).toISOString();
  trace('person', `pauses until ${expires}`);
  annotateRequests(api, PAUSE_ANNOTATION, JSON.stringify({ by: 'the schedule', expires }));
  world.after(words.ms, () => {
    const old = api.find('leases', requestLeaseName(GROUP));
    if (old === null) return;
    trace('person', 'resumes');
    const { [PAUSE_ANNOTATION]: _pause, ...annotations } = old.metadata.annotations ?? {};
    api.put('leases', { ...old, metadata: { ...old.metadata, annotations } });
  });
}

/** Looks again and again until it is done, or for so long. */
function repeat({ world }: Pick<Parts, 'world'>, ms: number, look: () => boolean): void {
  const end = world.now() + ms;
  const again = (): void => {
    if (!look() && world.now() + LOOK_MS <= end) world.after(LOOK_MS, again);
  };
  again();
}

/** In the present term; `waits`: only while there is no master, as the README has it. */
export function force(parts: Parts, ms: number, waits: boolean): void {
  const { api, cluster, world } = parts;
  repeat(parts, ms, () => {
    const lease = api.find('leases', leaseName(GROUP)) as StoredLease | null;
    const isLed = cluster.pods.some(({ isListed, redis }) => isListed && redis?.isOpen === true);
    if (lease === null || (waits && isLed)) return false;
    const term = String(lease.spec?.leaseTransitions ?? 0);
    world.after(HESITATES_MS, () => forceIn(parts, term));
    return true;
  });
}

function forceIn({ api, trace }: Parts, term: string): void {
  const lease = api.find('leases', leaseName(GROUP));
  if (lease === null) return;
  trace('person', `forces an election in term ${term}`);
  annotate(api, 'leases', lease, FORCE_ANNOTATION, term);
}

function saidBy({ agent }: SimPod): string {
  return agent?.state.problem ?? agent?.state.reason ?? '';
}

/** Whose data this pod's agent asks about, and their id. */
export function askedBy(
  { pods }: SimCluster,
  pod: SimPod,
): { readonly pod: SimPod; readonly replid: string } | null {
  const [, whose = '', replid = ''] = UNKNOWN_DATA.exec(saidBy(pod)) ?? [];
  const named = whose === 'this Redis' ? pod : pods.find((a) => a.isListed && a.name === whose);
  return named?.isListed === true ? { pod: named, replid } : null;
}

/** Whatever any agent asks about; `isCareful`: only what the master has, as docs/adopt.md has it. */
export function giveUpData(parts: Parts, ms: number, isCareful = false): void {
  repeat(parts, ms, () => {
    for (const pod of parts.cluster.pods) {
      const asked = askedBy(parts.cluster, pod);
      if (asked === null || (isCareful && !isElsewhere(parts, asked.pod))) continue;
      giveUp(parts, asked.pod, asked.replid);
    }
    return false;
  });
}

/** Among several masters without agent, names the one that the clients write to. */
export function nameMaster(parts: Parts, ms: number): void {
  const { api, cluster, trace } = parts;
  repeat(parts, ms, () => {
    const isAsked = cluster.pods.some(({ agent }) =>
      SEVERAL_MASTERS.test(agent?.runtime.unreadiness() ?? ''),
    );
    const right = cluster.pods.find(({ isManaged, term }) => !isManaged && term !== null);
    const old = right?.isListed === true ? api.find('pods', right.name) : null;
    if (!isAsked || old === null) return false;
    trace('person', `names ${old.metadata.name} as the master`);
    annotate(api, 'pods', old, ADOPT_FROM_ANNOTATION, 'true');
    return true;
  });
}

function isElsewhere({ cluster }: Parts, { redis }: SimPod): boolean {
  const open = cluster.pods.filter((pod) => pod.isListed && pod.redis?.isOpen === true);
  const [master] = open;
  if (redis === null || master?.redis == null || open.length > 1) return false;
  const there = new Set(idsOf(master.redis.dataset));
  return idsOf(redis.dataset).every((id) => there.has(id));
}

function giveUp({ api, checker, trace }: Parts, pod: SimPod, replid: string): void {
  const old = api.find('pods', pod.name);
  if (old === null || old.metadata.annotations?.[DISCARD_DATA_ANNOTATION] === replid) return;
  trace('person', `gives the data of ${pod.name} up, id ${replid.slice(0, 6)}`);
  checker.answered.gaveUp(pod, replid);
  annotate(api, 'pods', old, DISCARD_DATA_ANNOTATION, replid);
}
