// The API server goes away while Redis is healthy (scenarios 14, 15, 16).

import { monitorEventLoopDelay } from 'node:perf_hooks';
import t, { type Test } from 'tap';
import { declarations } from '../harness/declare.ts';
import { oneMaster } from '../harness/one-master.ts';
import { openStage, type Scenario, startScenario } from '../harness/scenario.ts';
import type { Pod } from '../harness/pod.ts';
import { holdsFor } from '../harness/wait-for.ts';

t.setTimeout(900_000);
const stage = await openStage(t);
const { scenario: declare, longScenario } = declarations(t, stage);
const OUTAGE_MS = 30_000;
const SETTLE_MS = 6000;

/** Writes go on during the outage and after it, and the role never changes hands. */
async function survivesOutage(
  t: Test,
  scenario: Scenario,
  master: Pod,
  bringBack: () => Promise<void>,
  outageMs = OUTAGE_MS,
): Promise<void> {
  const mark = performance.now();
  const own = monitorEventLoopDelay();
  own.enable();
  await holdsFor(
    outageMs,
    async () => {
      const { role } = await master.replication();
      if (role !== 'master') {
        const at = (performance.now() - mark).toFixed(0);
        throw new Error(`demoted ${at} ms after the outage began\n${master.logTail()}`);
      }
    },
    200,
  );
  t.pass('no demotion');
  const duringMs = scenario.writer.largestGapMs(mark);
  own.disable();
  // Whether a pause is the group's, or of a machine that gave this process no CPU.
  const ownMs = own.max / 1e6;
  t.comment(
    `longest pause of the writer during the outage ${duringMs.toFixed(0)} ms; this process itself was late by ${ownMs.toFixed(0)} ms at most`,
  );
  t.ok(duringMs < 1000, 'writes went on');
  t.equal(await master.metric('api_server_reachable'), 0, 'its metric tells the outage');
  t.equal(await master.metric('failsafe_active'), 1, 'and that the failsafe keeps it');
  const back = performance.now();
  await bringBack();
  await holdsFor(SETTLE_MS, () => undefined);
  t.ok(scenario.writer.largestGapMs(back) < 1000, 'writes go on when it returns');
  const after = await oneMaster(scenario.group);
  t.equal(after.name, master.name, 'the same master');
  t.equal(await master.metric('api_server_reachable'), 1, 'its metric tells the end of it');
  await scenario.unchanged(master);
  await scenario.end(after);
}

await declare([14, 16], 'the API server refuses connections for 30 s: no demotion', async (t) => {
  const { scenario, master } = await startScenario(t, stage);
  await stage.controlPlane.killApiServer();
  await survivesOutage(t, scenario, master, async () => await stage.controlPlane.startApiServer());
});

await declare([14, 16], 'the API server hangs for 30 s: no demotion', async (t) => {
  const { scenario, master } = await startScenario(t, stage);
  stage.controlPlane.pauseApiServer();
  await survivesOutage(t, scenario, master, async () => {
    stage.controlPlane.resumeApiServer();
    await stage.controlPlane.ready();
  });
});

await longScenario(
  [14],
  'the API server refuses connections for 10 min: no demotion',
  async (t) => {
    const { scenario, master } = await startScenario(t, stage);
    await stage.controlPlane.killApiServer();
    const bringBack = async (): Promise<void> => await stage.controlPlane.startApiServer();
    await survivesOutage(t, scenario, master, bringBack, 600_000);
  },
);

await declare(
  [15, 16],
  "the API server is away and the master's Redis dies: never two masters",
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const mark = performance.now();
    await stage.controlPlane.killApiServer();
    master.redis.signal('SIGKILL');
    await holdsFor(10_000, async () => {
      const infos = await Promise.allSettled(
        group.pods.map(async (pod) => await pod.replication()),
      );
      const masters = infos.filter(
        (each) => each.status === 'fulfilled' && each.value.role === 'master',
      );
      if (masters.length > 1) throw new Error('two masters');
    });
    await stage.controlPlane.startApiServer();
    const next = await oneMaster(group, { timeoutMs: 30_000 });
    await scenario.busy();
    t.comment(`writes paused for ${scenario.writer.largestGapMs(mark).toFixed(0)} ms`);
    await scenario.end(next, { mayLoseAfterMs: mark - 200 });
  },
);
