// What check finds at pods that run, and at groups as their agents tell of them. Pure.

import type { Finding } from './finding.ts';

export type BarePod = { readonly namespace: string; readonly name: string; readonly owner: string };

/** Pods that the webhook would inject now, and that have no agent; one finding for each owner. */
export function barePodFindings(pods: readonly BarePod[]): readonly Finding[] {
  const byOwner = new Map<string, BarePod[]>();
  for (const pod of pods) {
    const key = `${pod.namespace}\n${pod.owner}`;
    byOwner.set(key, [...(byOwner.get(key) ?? []), pod]);
  }
  return [...byOwner.values()].flatMap((some) => {
    const [first] = some;
    if (first === undefined) return [];
    const { namespace, owner } = first;
    const names = some.map(({ name }) => name).join(', ');
    const remedy = owner.startsWith('StatefulSet/')
      ? `with its data kept: kubectl rollout restart -n ${namespace} ${owner.toLowerCase()} (docs/adopt.md)`
      : 'create them again (docs/adopt.md)';
    return [
      {
        level: 'error' as const,
        about: owner.replace('/', ` ${namespace}/`),
        code: 'pods-not-injected',
        text: `${names}: made before the label or the webhook, no agent; nobody takes over for them`,
        remedy,
      },
    ];
  });
}

export type GroupHealth = {
  readonly namespace: string;
  readonly group: string;
  readonly health: 'healthy' | 'degraded' | 'critical';
  readonly summary: string;
  /** Not one agent could be asked. */
  readonly isBlind: boolean;
};

const LEVELS = { healthy: 'ok', degraded: 'warning', critical: 'error' } as const;

export function healthFindings(groups: readonly GroupHealth[]): readonly Finding[] {
  return groups.map(({ namespace, group, health, summary, isBlind }) => {
    const about = `group ${namespace}/${group}`;
    const remedy = `redis-orchestrator status ${group} -n ${namespace}`;
    if (isBlind) return { level: 'unseen', about, code: 'not-seen', text: summary, remedy };
    const text = `${health}, ${summary}`;
    if (health === 'healthy') return { level: 'ok', about, text };
    return { level: LEVELS[health], about, code: `group-${health}`, text, remedy };
  });
}

/** Of all namespaces most ask for nothing, and a Redis in them is nobody's fault: it is told of in one line. */
export function withoutUnasked(findings: readonly Finding[]): readonly Finding[] {
  const isUnasked = ({ code }: Finding): boolean => code === 'namespace-unlabelled';
  const names = findings.filter(isUnasked).map(({ about }) => about);
  if (names.length === 0) return findings;
  const text = `in namespaces that do not ask for agents: ${names.join(', ')}`;
  const line: Finding = { level: 'ok', about: 'other Redis', text };
  return [...findings.filter((each) => !isUnasked(each)), line];
}
