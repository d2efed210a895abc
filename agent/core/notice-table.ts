// Every Event of an agent: its kind, what it is about and what it means, for the Events and for docs/operations.md.

import type { PodName } from './model.ts';

type Kind = {
  readonly type: 'Normal' | 'Warning';
  readonly about: 'group' | 'pod';
  readonly text: string;
};

export const NOTICES = {
  MasterElected: {
    type: 'Normal',
    about: 'group',
    text: 'The first master of the group, or the same pod again in a new term.',
  },
  Failover: {
    type: 'Warning',
    about: 'group',
    text: 'Another pod is master, unplanned: from whom, to whom, why, and how long the election took.',
  },
  SwitchoverCompleted: {
    type: 'Normal',
    about: 'group',
    text: 'Another pod is master as planned: it was asked for, or the old pod ends; and how long writes paused.',
  },
  SwitchoverRefused: {
    type: 'Warning',
    about: 'group',
    text: 'A switchover that was asked for was not begun, and why.',
  },
  SwitchoverUndone: {
    type: 'Warning',
    about: 'group',
    text: 'A switchover was begun and did not come about, and why.',
  },
  Paused: {
    type: 'Normal',
    about: 'group',
    text: 'A person paused the failover: by whom, until when, why.',
  },
  Resumed: {
    type: 'Normal',
    about: 'group',
    text: 'The failover goes on: somebody ended the pause, or its time is over.',
  },
  PauseRefused: {
    type: 'Warning',
    about: 'group',
    text: 'What was asked for as a pause cannot be read, and why: nothing is paused.',
  },
  SplitBrainDetected: {
    type: 'Warning',
    about: 'group',
    text: 'Another Redis was a master beside the one that the Lease names: it is put into limbo.',
  },
  SplitBrainResolved: {
    type: 'Normal',
    about: 'group',
    text: 'That Redis takes no writes any more: who is kept, why, and how long there were two.',
  },
  NoCandidate: {
    type: 'Warning',
    about: 'group',
    text: 'For half a minute no replica could have taken over from the master: why not, each of them.',
  },
  WritesLost: {
    type: 'Warning',
    about: 'group',
    text: 'A deposed master had bytes that the present one never got, and is about to overwrite them.',
  },
  Fenced: {
    type: 'Warning',
    about: 'pod',
    text: 'An open master stopped taking writes, because it could not be sure to lead.',
  },
  Unfenced: {
    type: 'Normal',
    about: 'pod',
    text: 'A pod that was fenced leads again, or follows the master.',
  },
  RoleRepaired: {
    type: 'Warning',
    about: 'pod',
    text: 'Somebody made this replica a master: it is put into limbo.',
  },
  LabelRepaired: {
    type: 'Warning',
    about: 'pod',
    text: 'Somebody changed the role label of this pod: it was put back.',
  },
  WeakProtection: {
    type: 'Warning',
    about: 'pod',
    text: 'This pod is protected less than it could be for ten seconds: the code as in the metric `weak_protection`, and why.',
  },
  Problem: {
    type: 'Warning',
    about: 'pod',
    text: 'For each code of the README, named after it (`DataConflict` for `RO_DATA_CONFLICT`): its sentence.',
  },
} as const satisfies Record<string, Kind>;

type NoticeReason = keyof typeof NOTICES;

export type Notice = {
  readonly reason: NoticeReason;
  /** One sentence, that of the decision where there is one. */
  readonly note: string;
  /** Another pod than this agent's own. */
  readonly pod?: { readonly name: string; readonly uid: string };
  /** The second master, whose end will be told as well. */
  readonly rival?: PodName;
};
