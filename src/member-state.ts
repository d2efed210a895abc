// A member's role, state and trouble in the words that people read.

import type { MemberFacts } from './group-facts.ts';

type Shown = { readonly role: string; readonly state: string };

/** In two words: what its Redis is, and how it is. */
export function memberState(member: MemberFacts): Shown {
  const { report, hasAgent, isHeard } = member;
  if (!hasAgent) return { role: 'unknown', state: 'no agent' };
  if (report === null || !isHeard) return { role: 'unknown', state: 'agent silent' };
  const { role, instance, isMaster, inSync } = report;
  if (instance === null) return { role, state: 'not answering' };
  if (instance.loading) return { role, state: 'loading' };
  if (role === 'master') return { role, state: masterState(isMaster, instance.unwritable ?? null) };
  if (role === 'limbo') return { role, state: 'waiting' };
  if (instance.syncing) return { role, state: syncState(instance.syncPercent ?? null) };
  if (!instance.linkUp) return { role, state: 'link down' };
  return { role, state: inSync ? 'streaming' : 'catching up' };
}

function syncState(percent: number | null): string {
  return percent === null ? 'syncing' : `syncing ${percent}%`;
}

function masterState(isLeading: boolean, unwritable: string | null): string {
  if (!isLeading) return 'not leading';
  return unwritable === null ? 'writable' : 'refuses writes';
}

/** What a person should know of it, or null. */
export function memberTrouble(member: MemberFacts): string | null {
  const { report, hasAgent, isHeard, silence } = member;
  if (!hasAgent) return 'it has no agent: restart it in a labelled namespace';
  if (!isHeard) return silence ?? 'its agent is silent';
  if (report === null) return null;
  if (report.problem !== null) return report.problem;
  return report.instance === null ? 'its Redis does not answer' : null;
}
