// Events and effects in a few words, for the log at level debug: from them the bench tells where the
// time of a failover goes. Routine is left out.

import type { AgentEvent, Effect } from './core/model.ts';

/** Undefined: nothing that changes a role. */
export function eventTrace(event: AgentEvent, agentId: string): string | undefined {
  switch (event.kind) {
    case 'redis':
      if (event.redis.reachable) {
        const { role, linkUp } = event.redis.instance;
        return role === 'replica' && !linkUp ? 'redis link down' : undefined;
      }
      return event.redis.refused ? 'redis refused' : `redis silent: ${event.redis.detail}`;
    case 'lease': {
      const holder = event.lease?.holder;
      const by = holder?.agentId === agentId ? 'self' : (holder?.pod ?? 'nobody');
      return `lease held by ${by} in term ${event.lease?.term ?? 0}`;
    }
    case 'peer':
      return `peer ${event.report.podName} ${event.report.role} frozen ${event.report.frozenTerm}`;
    case 'lease-written':
      return `lease-written ${event.outcome}`;
    case 'redis-done':
      return `redis-done ${event.result.ok ? 'ok' : event.result.detail}`;
    case 'remote-fenced':
      return 'remote-fenced';
    case 'request':
      return `request ${event.request?.id ?? 'none'}`;
    case 'pause':
      return `pause ${event.pause === null ? 'none' : `by ${event.pause.by}`}`;
    case 'tick':
    case 'pods':
    case 'unmanaged':
    case 'kill-fault':
    case 'volume-gone':
    case 'pod-gone':
    case 'stalled':
    case 'terminate':
      return undefined;
  }
}

export function effectTrace(effect: Effect): string {
  return effect.kind === 'write-lease' ? `do write-lease ${effect.write.op}` : `do ${effect.kind}`;
}
