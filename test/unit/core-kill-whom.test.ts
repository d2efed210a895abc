// --kill-frozen: whether another may lead by now, for only then a frozen Redis is killed (DESIGN 5).

import t from 'tap';
import type { AgentState, CoreConfig } from '../../agent/core/model.ts';
import { reportOf } from '../../agent/core/report.ts';
import { config } from './core-fixtures.ts';
import { candidate, context, lease, Rig, SELF, silent } from './core-rig.ts';

/** Fencing a Redis that has been silent for so long, with this Lease of its own. */
function isKilled(changes: Partial<AgentState>, silentMs = 5000, candidates = [0, 1]): boolean {
  const rig = Rig.leading({ killsFrozen: true });
  rig.now += 10_000;
  const record = { candidates: candidates.map(candidate) };
  const view = lease({ resourceVersion: '50', holder: SELF, term: 1, record });
  rig.state = {
    ...rig.state,
    phase: 'Fencing',
    phaseSince: rig.now - 1000,
    lease: { kind: 'present', lease: view, unchangedSince: 0 },
    validUntil: rig.now + 1000,
    ...changes,
  };
  rig.effects = [];
  rig.feed({ kind: 'redis', redis: silent(rig.now - silentMs, false) });
  return rig.effects.some(({ kind }) => kind === 'kill-redis');
}

await t.test('kill: not while its own Lease is valid and was not given away', (t) => {
  t.equal(isKilled({}), false);
  t.equal(isKilled({ unsure: true }), true);
  t.equal(isKilled({ validUntil: 0 }), true);
  t.end();
});

await t.test('kill: from the moment on in which its validity ends', (t) => {
  const rig = Rig.leading();
  const now = rig.now + 10_000;
  t.equal(isKilled({ validUntil: now }), true);
  t.equal(isKilled({ validUntil: now + 1 }), false);
  t.end();
});

await t.test('kill: not where no other member could have taken an old Lease', (t) => {
  t.equal(isKilled({ validUntil: 0 }, 5000, [0]), false);
  t.equal(isKilled({ validUntil: 0 }, 5000, [1]), true);
  t.end();
});

await t.test('kill: not before it was silent for --redis-timeout', (t) => {
  t.equal(isKilled({ validUntil: 0 }, config.redisTimeoutMs - 1), false);
  t.equal(isKilled({ validUntil: 0 }, config.redisTimeoutMs), true);
  t.end();
});

await t.test('kill: a fault is told where there is one, and where killing was asked for', (t) => {
  const weaknesses = (changes: Partial<CoreConfig>, fault: string | null): readonly string[] => {
    const rig = Rig.leading(changes);
    rig.feed({ kind: 'kill-fault', fault });
    return reportOf(rig.state, context).weaknesses;
  };
  t.equal(weaknesses({ killsFrozen: true }, 'not shared').length, 1);
  t.same(weaknesses({ killsFrozen: true }, null), []);
  t.same(weaknesses({ killsFrozen: false }, 'not shared'), []);
  t.end();
});
