// The rounds of a failsafe: when they begin, what they are numbered by, and when they end.

import t from 'tap';
import { config } from './core-fixtures.ts';
import { master, Rig, SELF, synced } from './core-rig.ts';

/** Leads without an API server, and redis-1 promises, or does not; each round with its start. */
function rounds(rig: Rig, untilMs: number, isWilling: boolean): Map<number, number> {
  const seen = new Map<number, number>();
  for (const end = rig.now + untilMs; rig.now < end; rig.now += 50) {
    const { round } = rig.state.failsafe;
    const isAsked = isWilling && round > 0;
    synced(rig, { promise: isAsked ? { agentId: SELF.agentId, round } : null });
    rig.see(master);
    if (rig.state.failsafe.round > 0) {
      seen.set(rig.state.failsafe.round, rig.state.failsafe.startedAt);
    }
  }
  return seen;
}

await t.test('failsafe: it begins after one and a half renewals, and asks every 300 ms', (t) => {
  const rig = Rig.leading();
  const beginsMs = rig.state.renewSentAt + 1.5 * config.timing.renewMs;
  const seen = [...rounds(rig, 5000, true)];
  const starts = seen.map(([, at]) => at);
  const [first = 0] = starts;
  t.ok(first > beginsMs && first <= beginsMs + 50);
  const gaps = starts.slice(1).map((at, n) => at - (starts[n] ?? 0));
  t.ok(gaps.length > 8 && gaps.every((gap) => gap >= 300 && gap < 400));
  t.end();
});

await t.test('failsafe: rounds are numbered by the clock: no outage uses those of another', (t) => {
  const seen = [...rounds(Rig.leading(), 5000, true)];
  t.ok(seen.every(([round, at]) => round >= at));
  t.ok(seen.every(([round], n) => n === 0 || round > (seen[n - 1]?.[0] ?? 0)));
  t.end();
});

await t.test('failsafe: a round that is not unanimous is the last one', (t) => {
  t.equal(rounds(Rig.leading(), 2400, false).size, 1);
  t.end();
});

await t.test('failsafe: once the API server answers, or it leads no more, nobody is asked', (t) => {
  const rig = Rig.leading();
  rounds(rig, 5000, true);
  t.not(rig.state.failsafe.round, 0);
  rig.written('ok');
  rig.tick();
  rig.written('ok');
  t.same(rig.state.failsafe, { round: 0, startedAt: rig.now });
  rig.tick(rig.now + 10);
  t.equal(rig.state.failsafe.startedAt, rig.now - 10);
  const left = Rig.leading();
  rounds(left, 5000, true);
  left.state = { ...left.state, phase: 'Fencing' };
  left.tick();
  t.equal(left.state.failsafe.round, 0);
  t.end();
});
