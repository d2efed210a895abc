// What becomes of a namespace's service account, Role and RoleBinding: kept where agents are wanted or run, taken
// away where nobody uses them any more. Only what the webhook made itself is ever taken away.

/** Which objects are there, and whether the webhook made them. */
export type Made = 'absent' | 'ours' | 'theirs';

export type NamespaceState = {
  /** The label says so, or a pod asked a moment ago. */
  readonly isWanted: boolean;
  /** A pod has an agent, or runs as the agent's account. */
  readonly isInUse: boolean;
  /** So it was at the look before, too: a pod that is just being replaced is not the last one. */
  readonly wasUnused: boolean;
  readonly binding: Made;
  readonly role: Made;
  readonly account: Made;
};

export type Upkeep = {
  readonly action: 'ensure' | 'leave' | 'wait' | 'unbind' | 'remove';
  readonly reason: string;
};

/**
 * The binding goes first, and the rest only at a later look that finds it gone and still no agent: without the
 * binding no pod is injected, so that none can come in between and lose its account.
 */
export function decideUpkeep(state: NamespaceState): Upkeep {
  const { isWanted, isInUse, wasUnused, binding, role, account } = state;
  if (isWanted) return { action: 'ensure', reason: 'agents are wanted here' };
  if (isInUse) return { action: 'ensure', reason: 'agents run here' };
  if (binding === 'theirs') return { action: 'leave', reason: 'the RoleBinding is a person’s own' };
  if (![binding, role, account].includes('ours')) {
    return { action: 'leave', reason: 'there is nothing of ours' };
  }
  if (!wasUnused) return { action: 'wait', reason: 'no agent runs here any more, as it seems' };
  return binding === 'ours'
    ? { action: 'unbind', reason: 'no agent runs here any more' }
    : { action: 'remove', reason: 'no agent runs here any more, and none can come' };
}
