// What is kept in a namespace and what is taken away: never what somebody uses, never what a person made.

import { test } from 'tap';
import { decideUpkeep, type Made, type NamespaceState } from '../../webhook/core/upkeep.ts';

const FLAGS = [false, true];
const MADE: readonly Made[] = ['absent', 'ours', 'theirs'];

function allStates(): readonly NamespaceState[] {
  return FLAGS.flatMap((isWanted) =>
    FLAGS.flatMap((isInUse) =>
      FLAGS.flatMap((wasUnused) =>
        MADE.flatMap((binding) =>
          MADE.flatMap((role) =>
            MADE.map((account) => ({ isWanted, isInUse, wasUnused, binding, role, account })),
          ),
        ),
      ),
    ),
  );
}

const UNUSED: NamespaceState = {
  isWanted: false,
  isInUse: false,
  wasUnused: true,
  binding: 'ours',
  role: 'ours',
  account: 'ours',
};

void test('what is wanted or in use is made and repaired, in every state', async (t) => {
  for (const state of allStates().filter((each) => each.isWanted || each.isInUse)) {
    t.equal(decideUpkeep(state).action, 'ensure', JSON.stringify(state));
  }
});

void test('nothing is deleted at the first look, and the account never before the binding', async (t) => {
  const states = allStates().filter((each) => !each.isWanted && !each.isInUse);
  for (const state of states) {
    const { action } = decideUpkeep(state);
    const told = JSON.stringify(state);
    if (!state.wasUnused) t.ok(['leave', 'wait'].includes(action), told);
    if (action === 'remove') t.equal(state.binding, 'absent', told);
    if (state.binding === 'theirs') t.equal(action, 'leave', told);
  }
});

void test('step by step', async (t) => {
  t.equal(decideUpkeep({ ...UNUSED, wasUnused: false }).action, 'wait');
  t.equal(decideUpkeep(UNUSED).action, 'unbind');
  t.equal(decideUpkeep({ ...UNUSED, binding: 'absent' }).action, 'remove');
  const gone = { ...UNUSED, binding: 'absent', role: 'absent' } as const;
  t.equal(decideUpkeep({ ...gone, account: 'absent' }).action, 'leave');
  t.equal(decideUpkeep({ ...gone, account: 'theirs' }).action, 'leave');
});
