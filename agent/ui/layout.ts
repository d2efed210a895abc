// Where each pod stands in the drawing: whoever leads on the left, whoever follows on the right, the next in line
// at the top. Pure.

import { isLeading } from './leaders.ts';
import type { GroupView, MemberView } from '../../src/group-view.ts';

export const NODE = { width: 264, height: 76 } as const;
const GAP = 16;
const EDGE = 200;
/** More would be small print; the table has them all. */
const DRAWN_MAX = 12;

export type Place = { readonly member: MemberView; readonly x: number; readonly y: number };

export type Layout = {
  readonly width: number;
  readonly height: number;
  /** More than one is a split brain, none an empty place. */
  readonly masters: readonly Place[];
  readonly others: readonly Place[];
  /** Members that are not drawn. */
  readonly left: number;
};

function column(members: readonly MemberView[], x: number, height: number): readonly Place[] {
  const whole = members.length * (NODE.height + GAP) - GAP;
  const top = (height - whole) / 2;
  return members.map((member, index) => ({ member, x, y: top + index * (NODE.height + GAP) }));
}

export function layoutOf({ members }: GroupView): Layout {
  const drawn = members.slice(0, DRAWN_MAX);
  const masters = drawn.filter(isLeading);
  const others = drawn.filter((each) => !isLeading(each));
  const rows = Math.max(1, masters.length, others.length);
  const height = rows * (NODE.height + GAP) - GAP;
  return {
    width: 2 * NODE.width + EDGE,
    height,
    masters: column(masters, 0, height),
    others: column(others, NODE.width + EDGE, height),
    left: members.length - drawn.length,
  };
}
