// Agents that crash again and again, stall, or hang while a new one runs beside the same Redis
// (scenarios 10, 40, 69).

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { declarations } from '../harness/declare.ts';
import type { Group } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { openStage, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);

await declare(
  [10],
  "the master's agent crashes at every start: one controlled change of role, no flapping",
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const program = join(stage.workspace.directory, 'crashes.mjs');
    writeFileSync(program, 'process.exit(1);\n');
    const mark = performance.now();
    master.program = program;
    master.agent.signal('SIGKILL');
    await scenario.recovery('its agent crashes at every start', mark, 20_000, master);
    await holdsFor(12_000, () => undefined);
    t.equal(scenario.probe.reigns().length, 2, 'the role changed hands once');
    master.program = undefined;
    const next = await oneMaster(group, { not: master, timeoutMs: 30_000 });
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await declare(
  [10],
  "the master's agent is killed 1.5 s after every start: no flapping, writes go on",
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const mark = performance.now();
    for (let round = 0; round < 6; round++) {
      master.agent.signal('SIGKILL');
      await holdsFor(1000, () => undefined);
      await waitFor('it runs again', () => master.agent.process.isRunning, { timeoutMs: 5000 });
      await holdsFor(1500, () => undefined);
    }
    const next = await oneMaster(group);
    const changes = scenario.probe.reigns().length - 1;
    const gapMs = scenario.writer.largestGapMs(mark);
    t.comment(`${changes} changes of role; longest pause of the writer ${gapMs.toFixed(0)} ms`);
    t.ok(changes <= 1, 'at most one change of role');
    await scenario.end(next, changes === 0 ? {} : { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

/** A group whose agents block their event loop for so long at SIGUSR2. */
async function stalling(t: Test, blockedMs: number) {
  const stall = fileURLToPath(new URL('../harness/stall.ts', import.meta.url));
  return await startScenario(t, stage, {
    agentEnv: {
      NODE_OPTIONS: `--import=${stall}`,
      RO_TEST_BLOCKED_MS: String(blockedMs),
    },
  });
}

async function noChange(
  t: Test,
  blockedMs: number,
  who: (group: Group, master: Pod) => readonly Pod[],
): Promise<void> {
  const { scenario, group, master } = await stalling(t, blockedMs);
  const mark = performance.now();
  for (const pod of who(group, master)) pod.agent.signal('SIGUSR2');
  await holdsFor(blockedMs + 5000, () => undefined);
  for (const pod of who(group, master)) {
    t.match(pod.logTail(10_000), /the event loop stalled/, `${pod.name} noticed its stall`);
  }
  t.ok(scenario.writer.largestGapMs(mark) < 1000, 'writes went on');
  await oneMaster(group);
  await scenario.unchanged(master);
  await scenario.end(master);
}

await declare(
  [40],
  'the event loops of both replicas are blocked for 5 s: no failover caused by it',
  async (t) => await noChange(t, 5000, (group, master) => group.others(master)),
);

await declare(
  [40],
  "the event loop of the master's agent is blocked for 1 s: no failover",
  async (t) => await noChange(t, 1000, (_, master) => [master]),
);

await declare(
  [40],
  "the event loop of the master's agent is blocked for 5 s: one failover, fenced before it",
  async (t) => {
    const { scenario, group, master } = await stalling(t, 5000);
    const mark = performance.now();
    master.agent.signal('SIGUSR2');
    await scenario.recovery('agent blocked', mark, 20_000, master);
    const next = await oneMaster(group, { not: master });
    await holdsFor(4000, () => undefined);
    t.equal(scenario.probe.reigns().length, 2, 'the role changed hands once');
    await scenario.end(next, { mayLoseAfterMs: mark });
  },
);

await declare(
  [69],
  "the agent's container is replaced while the old process hangs: only one of them ever acts",
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const old = master.agent;
    const mark = performance.now();
    old.hold();
    old.signal('SIGSTOP');
    // The hung one has the port still, and an agent without its port touches nothing.
    master.startAgent();
    const fresh = master.agent;
    await scenario.recovery('a hung agent and its replacement', mark, 20_000, master);
    await oneMaster(group, { without: [master], not: master });
    t.match(fresh.process.tail(10_000), /EADDRINUSE/, 'the new one says that the port is taken');
    old.signal('SIGCONT');
    await holdsFor(3000, () => undefined);
    old.signal('SIGKILL');
    const next = await oneMaster(group, { not: master, timeoutMs: 30_000 });
    await waitFor(
      'the new one serves',
      async () => (await master.state()).podName === master.name,
      { timeoutMs: 10_000 },
    );
    t.equal(scenario.probe.reigns().length, 2, 'the role changed hands once');
    await scenario.end(next, { mayLoseAfterMs: mark });
  },
);
