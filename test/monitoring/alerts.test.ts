// The alerts on real faults: a real Prometheus scrapes a real group and the real webhook, and each fault raises its
// alerts, in the order of minutes that the rules say, and no others; once it is undone they resolve.
//
// All durations of the rules are shorter by one factor (five minutes become two seconds), and it scrapes each second. The
// six hours of a pause have a greater factor, half a minute: it lasts beside all faults, and is to be told at its time. The
// hour within which a master changes three times is twelve seconds: three kills take two, and it is waited for to its end.
// RO_ALERTS_FACTOR=1 is the unscaled run: it takes a working day, because a pause is told after six hours
// (with --timeout=43200, since tap has a limit of its own).

import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { fullName } from '../../agent/metrics/table.ts';
import { ROWS } from '../../src/monitoring/panels.ts';
import { alertRules, metricsIn } from '../../src/monitoring/rule-groups.ts';
import { RULE_NAMES, RULES, type Rule, type RuleName } from '../../src/monitoring/rules.ts';
import { HOUR_MS } from '../../src/monitoring/time.ts';
import { eventOf } from '../harness/events.ts';
import { AGENT_PORT } from '../harness/free-ports.ts';
import { waitFor } from '../harness/wait-for.ts';
import { FAULTS, type Fault } from './faults.ts';
import { Prometheus } from './prometheus.ts';
import { masterOf, openAlertStage, pauseFailover, resumeFailover } from './stage.ts';

const FACTOR = Number(process.env['RO_ALERTS_FACTOR'] ?? 144);
const ofPause: RuleName = 'PausedTooLong';
const PAUSE_FACTOR = FACTOR === 1 ? 1 : FACTOR * 5;
/** An expression may be true half a minute after its fault at the latest (ReplicaLagging). */
const THRESHOLD_MS = 30_000;
const FLAPPING_FACTOR = FACTOR === 1 ? 1 : FACTOR * 2;
/** An alert is at most so late after its time: two scrapes, two evaluations, and the fault itself. */
const LATE_MS = 25_000 + THRESHOLD_MS / FACTOR;
/** Ranges of rules end so late: what was counted is counted for an hour. */
const WINDOW_MS = HOUR_MS / FACTOR;
/** A change that raises nothing is watched for so long. */
const QUIET_MS = 4000;

t.setTimeout(HOUR_MS * (FACTOR === 1 ? 12 : 1));
const stage = await openAlertStage(t);
const pausedAt = performance.now();
await pauseFailover(stage.paused);
const prometheus = await Prometheus.start(stage.workspace, stage.targets, {
  factor: FACTOR,
  factors: { [ofPause]: PAUSE_FACTOR, Flapping: FLAPPING_FACTOR },
});

const seen = new Map<RuleName, number>();
/** Never forgotten between two faults. */
let pauseToldAt: number | undefined;
const end = new AbortController();
/** Beside everything: which alerts fired, and since when. */
async function watch(): Promise<void> {
  while (!end.signal.aborted) {
    for (const name of await prometheus.firing().catch(() => [])) {
      if (name === ofPause) pauseToldAt ??= performance.now();
      else if (!seen.has(name as RuleName)) seen.set(name as RuleName, performance.now());
    }
    await delay(100);
  }
}
void watch();
t.teardown(() => end.abort());

const isFiring = async (name: RuleName): Promise<boolean> => (await prometheus.firing()).has(name);

async function allFire(alerts: readonly RuleName[], beganAt: number): Promise<void> {
  for (const name of alerts) {
    const rule: Rule = RULES[name];
    const withinMs = rule.forMs / FACTOR + LATE_MS;
    await waitFor(`${name} fires`, () => seen.has(name), { timeoutMs: withinMs, everyMs: 50 });
    const ms = (seen.get(name) ?? 0) - beganAt;
    const forSeconds = (rule.forMs / FACTOR / 1000).toFixed(2);
    t.comment(
      `${name}: fires ${(ms / 1000).toFixed(1)} s after the fault (of which for: ${forSeconds} s)`,
    );
  }
  if (alerts.length === 0) await delay(QUIET_MS);
}

async function seesIt(t: Test, { what, alerts, scaled = [], begin }: Fault): Promise<void> {
  await masterOf(stage.group);
  await waitFor(
    'nothing fires before',
    async () => {
      const firing = [...(await prometheus.firing(true))].filter((name) => name !== ofPause);
      if (firing.length > 0) throw new Error(firing.join(', '));
      return true;
    },
    { timeoutMs: WINDOW_MS + LATE_MS, everyMs: 200 },
  );
  seen.clear();
  const beganAt = performance.now();
  const undo = await begin(stage);
  let undoneAt = Number.NaN;
  try {
    await allFire(alerts, beganAt);
  } finally {
    // What comes next is done to a group that is as it should be, also where this one was not told.
    undoneAt = performance.now();
    await undo();
  }
  for (const name of alerts) {
    await waitFor(`${name} resolves`, async () => !(await isFiring(name)), {
      timeoutMs: WINDOW_MS + LATE_MS,
      everyMs: 100,
    });
    const seconds = ((performance.now() - undoneAt) / 1000).toFixed(1);
    t.comment(`${name}: resolved ${seconds} s after the fault was undone`);
  }
  await masterOf(stage.group);
  const tolerated = new Set<RuleName>([...alerts, ...(FACTOR === 1 ? [] : scaled)]);
  const others = [...seen.keys()].filter((name) => !tolerated.has(name));
  t.same(others, [], `no other alert: ${what}`);
}

await t.test('every metric of the alerts and the dashboard is on a fresh /metrics', async (t) => {
  const urls = [
    ...stage.group.pods.map(({ ip }) => `http://${ip}:${AGENT_PORT}/metrics`),
    `http://127.0.0.1:${stage.webhook.healthPort}/metrics`,
  ];
  const texts = await Promise.all(urls.map(async (url) => await (await fetch(url)).text()));
  const known = new Set(
    texts.flatMap((text) => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)),
  );
  const panels = Object.values(ROWS).flat();
  const exprs = [
    ...alertRules().map(({ expr }) => expr),
    ...panels.flatMap(({ queries }) => queries.map(({ expr }) => expr)),
  ];
  const names = new Set(exprs.flatMap(metricsIn));
  t.ok(names.size > 40, `${names.size} names`);
  for (const name of names) t.ok(known.has(name), name);
  t.ok(known.has(fullName('event_loop_lag_seconds')));
});

for (const fault of FAULTS) {
  const name = `${fault.what}: ${fault.alerts.length === 0 ? 'no alert' : fault.alerts.join(', ')}`;
  const why = fault.needsLinks === true ? stage.network.whyNoLinks : undefined;
  await t.test(name, why === undefined ? {} : { skip: why }, async (t) => await seesIt(t, fault));
}

await t.test('a group that stays paused: PausedTooLong', async (t) => {
  const forMs = RULES[ofPause].forMs / PAUSE_FACTOR;
  const leftMs = forMs - (performance.now() - pausedAt);
  await waitFor('it fires', () => pauseToldAt !== undefined, {
    timeoutMs: Math.max(0, leftMs) + LATE_MS,
    everyMs: 200,
  });
  const ms = (pauseToldAt ?? 0) - pausedAt;
  t.comment(`${ofPause}: fired after ${(ms / 1000).toFixed(1)} s (for: ${forMs / 1000} s)`);
  t.ok(ms >= forMs, 'not before its time');
  t.ok(ms <= forMs + LATE_MS, 'and not long after it');
  t.ok(await isFiring(ofPause), 'it fires as long as the pause lasts');
  await resumeFailover(stage.paused);
  await waitFor('it resolves', async () => !(await isFiring(ofPause)), { timeoutMs: LATE_MS });
});

/** What the faults make the agents tell, each on the StatefulSet. */
const EVENTS: Readonly<Record<string, RegExp>> = {
  MasterElected: /is master of term \d+/,
  Failover: / → .*; the election took \d+ ms$/,
  SwitchoverCompleted: / → .*; writes paused for \d+ ms$/,
  Paused: /failover is paused by the test for \d+ min: an alert is to fire/,
  Resumed: /it was paused by the test/,
  SplitBrainDetected: /was a master beside/,
  SplitBrainResolved: /is kept, because the Lease names it for term \d+: .* after \d+\.\d s$/,
  WritesLost: /\d+ bytes of the stream/,
};

await t.test('Events tell the same, with reasons and durations', async (t) => {
  for (const [reason, note] of Object.entries(EVENTS)) {
    const told = await eventOf(stage.group, reason, `StatefulSet/${stage.group.name}`, note);
    t.match(told.note, note);
    t.comment(`${reason}: ${told.note}`);
  }
});

await t.test('every query of the dashboard is answered, and with data', async (t) => {
  for (const [row, panels] of Object.entries(ROWS)) {
    for (const { title, queries, isForeign } of panels) {
      for (const { expr } of queries) {
        const filled = expr
          .replaceAll(/\$(namespace|group)/g, '.*')
          .replaceAll('$__rate_interval', '5s')
          .replaceAll('$__range', '10m');
        const samples = await prometheus.query(filled);
        // What is compared shows only what is so.
        const mayBeEmpty = isForeign === true || / (==|>) \d+$/.test(expr);
        t.ok(mayBeEmpty || samples.length > 0, `${row}, ${title}: ${samples.length} series`);
      }
    }
  }
});

await t.test('every alert was raised by a fault', (t) => {
  const raised = new Set<RuleName>([...FAULTS.flatMap(({ alerts }) => alerts), ofPause]);
  t.same(
    RULE_NAMES.filter((name) => !raised.has(name)),
    [],
  );
  t.end();
});
