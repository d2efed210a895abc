// What a replica believes of its stream, look by look.

import t from 'tap';
import { attachmentTo, isHeldBack, isInSync, progress } from '../../agent/core/attachment.ts';
import type { AgentState, Attachment, Instance } from '../../agent/core/model.ts';
import { initialState } from '../../agent/core/step.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import { Rig } from './core-rig.ts';

const MASTER = '10.0.0.1';
const replica: Instance = { ...limbo, upstream: { host: MASTER, port: 6379 }, linkUp: true };

/** The state at `now`, where the master told of `offset` at `at`. */
function knowing(offset: number, at: number, now: number): AgentState {
  const instance: Instance = { ...replica, role: 'master', upstream: null, offset };
  const probe = { reachable: true, instance, pod: 'redis-1', volume: 'u1', seenAt: at } as const;
  return {
    ...initialState(config, 0),
    now,
    pods: [pod(1, { managed: false })],
    unmanaged: new Map([['u1', probe]]),
  };
}

const linked = (): Attachment => progress(knowing(100, 0, 10), attachmentTo(MASTER), replica);

await t.test('link up alone is not in sync: what the master told before proves nothing', (t) => {
  const attachment = linked();
  t.equal(attachment.linkUpAt, 10);
  t.equal(attachment.caughtUp, false);
  t.equal(isInSync({ ...knowing(100, 0, 10), attachment }, replica), false);
  t.end();
});

await t.test('what the master told in the moment in which the link came up proves nothing', (t) => {
  t.equal(progress(knowing(100, 10, 10), linked(), replica).caughtUp, false);
  t.equal(progress(knowing(100, 11, 11), linked(), replica).caughtUp, true);
  t.end();
});

await t.test('a master that is not ahead, or tells nothing, holds nothing back', (t) => {
  t.equal(progress(knowing(100, 20, 25), linked(), replica).lackingSince, null);
  t.equal(progress(knowing(101, 20, 25), linked(), replica).lackingSince, 25);
  const nowhere = { ...knowing(180, 20, 25), pods: [] };
  t.match(progress(nowhere, linked(), replica), { lackingSince: null, caughtUp: false });
  const rig = Rig.fenced(null, [pod(0), pod(1)]);
  rig.peer(1, { offset: null });
  t.match(progress(rig.state, linked(), replica), { lackingSince: null, caughtUp: false });
  t.end();
});

await t.test('in sync: all that the master had after the link came up is here', (t) => {
  const behind = progress(knowing(180, 20, 25), linked(), { ...replica, offset: 150 });
  t.equal(behind.caughtUp, false, 'not yet all of it');
  const attachment = progress(knowing(180, 20, 30), behind, { ...replica, offset: 180 });
  t.equal(isInSync({ ...knowing(180, 20, 30), attachment }, replica), true);
  t.equal(
    isInSync({ ...knowing(180, 20, 30), attachment }, { ...replica, linkUp: false }),
    false,
    'not without the link',
  );
  t.end();
});

await t.test('held back: the master is ahead and not a byte came', (t) => {
  const lacking = progress(knowing(180, 20, 25), linked(), replica);
  t.equal(isHeldBack(knowing(180, 20, 60), lacking), false, 'it may be on its way');
  t.equal(isHeldBack(knowing(180, 20, 90), lacking), true);
  const arrived = progress(knowing(500, 80, 90), lacking, { ...replica, offset: 101 });
  t.equal(isHeldBack(knowing(500, 80, 900), arrived), false, 'one byte shows that it runs');
  t.end();
});

await t.test('a pod that ended and shows an address that is used again is nobody', (t) => {
  const ended = pod(7, { ip: MASTER, terminal: true });
  const now = knowing(180, 20, 30);
  const attachment = progress({ ...now, pods: [ended, ...(now.pods ?? [])] }, linked(), {
    ...replica,
    offset: 180,
  });
  t.equal(attachment.caughtUp, true, 'what the living one told counts');
  t.end();
});
