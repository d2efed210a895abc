// Who leads, in the page's eyes. Pure.

import type { GroupView, MemberView } from '../../src/group-view.ts';

export function isLeading({ role, state }: MemberView): boolean {
  return role === 'master' && state !== 'not leading';
}

/** More than one is a split brain. */
export function leadersOf({ members }: GroupView): readonly MemberView[] {
  return members.filter(isLeading);
}
