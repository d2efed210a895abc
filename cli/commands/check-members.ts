// What check finds at pods that run, and at groups as their agents tell of them. Pure.

import type { Finding } from './finding.ts';

export type RunningPod = {
  readonly namespace: string;
  readonly name: string;
  /** As in StatefulSet/redis. */
  readonly owner: string;
};

export type InjectedPod = RunningPod & { readonly image: string };

type OwnPods = { readonly namespace: string; readonly owner: string; readonly names: string };

function byOwner(pods: readonly RunningPod[]): readonly OwnPods[] {
  const owners = new Map<string, OwnPods>();
  for (const { namespace, owner, name } of pods) {
    const key = `${namespace}\n${owner}`;
    const before = owners.get(key)?.names;
    const names = before === undefined ? name : `${before}, ${name}`;
    owners.set(key, { namespace, owner, names });
  }
  return [...owners.values()];
}

function titleOf({ namespace, owner }: OwnPods): string {
  return owner.replace('/', ` ${namespace}/`);
}

function restartText({ namespace, owner }: OwnPods): string {
  return owner.startsWith('StatefulSet/')
    ? `kubectl rollout restart -n ${namespace} ${owner.toLowerCase()}`
    : 'create them again';
}

/** Pods that the webhook would inject now, and that have no agent; one finding for each owner. */
export function barePodFindings(pods: readonly RunningPod[]): readonly Finding[] {
  return byOwner(pods).map((own) => ({
    level: 'error',
    about: titleOf(own),
    code: 'pods-not-injected',
    text: `${own.names}: made before the label or the webhook, no agent; nobody takes over for them`,
    remedy: `${restartText(own)}; docs/adopt.md tells how data are kept`,
  }));
}

/** `image`: of the agent that a new pod gets. */
export function otherAgentFindings(
  pods: readonly InjectedPod[],
  image: string | undefined,
): readonly Finding[] {
  if (image === undefined) return [];
  return byOwner(pods.filter((pod) => pod.image !== image)).map((own) => ({
    level: 'warning',
    about: titleOf(own),
    code: 'other-agent',
    text: `${own.names}: the agent is another one than the webhook injects now, ${image}`,
    remedy: `${restartText(own)}, one group after another, once nothing else is being changed`,
  }));
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
