// --kill-frozen: a Redis that hangs is dead before it can wake up and acknowledge (scenario 7).

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { declarations } from '../harness/declare.ts';
import { oneMaster } from '../harness/one-master.ts';
import { redisServerProgram } from '../harness/redis-server.ts';
import { openStage, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare, linkScenario } = declarations(t, stage);
const KILLED_WITHIN_MS = 10_000;
const agentEnv = { RO_KILL_FROZEN: 'true' };

await declare(
  [7],
  "kill-frozen: the master's Redis freezes, and is killed as soon as another leads: it acknowledges nothing",
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage, { agentEnv });
    t.same((await master.state()).weaknesses, [], 'its agent may kill it');
    const frozen = master.redis.process;
    master.redis.hold();
    const mark = performance.now();
    master.redis.signal('SIGSTOP');
    const end = frozen.exited.then((exit) => ({ exit, atMs: performance.now() - mark }));
    const recoveryMs = await scenario.recovery('Redis frozen', mark, 20_000, master);
    t.ok(recoveryMs < 4000, 'failover as without the option');
    const killed = await Promise.race([end, pause(KILLED_WITHIN_MS, undefined, { ref: false })]);
    if (killed === undefined) throw new Error(`not killed within ${KILLED_WITHIN_MS} ms`);
    const { exit, atMs } = killed;
    t.match(exit, { signal: 'SIGKILL' });
    t.comment(
      `killed ${atMs.toFixed(0)} ms after it froze, ${(atMs - recoveryMs).toFixed(0)} ms after another acknowledged`,
    );
    t.ok(atMs < recoveryMs + 1000, 'long before it could be woken');
    t.notOk(existsSync(`/proc/${frozen.pid}`), 'nothing is left to wake');
    const next = await oneMaster(group, { without: [master] });
    master.redis.release();
    const after = await oneMaster(group, { not: master });
    t.equal(after.name, next.name, 'the new master stays');
    t.equal((await master.replication()).role, 'slave', 'who comes back is a replica');
    await holdsFor(2000, () => undefined);
    // Unlike a frozen one that wakes up: at no time two acknowledged.
    await scenario.end(after, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await declare([7], "kill-frozen: a replica's Redis that freezes is left alone", async (t) => {
  const { scenario, group, master } = await startScenario(t, stage, { agentEnv });
  const [replica] = group.others(master);
  replica?.redis.signal('SIGSTOP');
  await holdsFor(5000, () => undefined);
  t.ok(replica?.redis.process.isRunning, 'it is still there');
  replica?.redis.signal('SIGCONT');
  await oneMaster(group);
  await scenario.unchanged(master);
  await scenario.end(master);
});

await linkScenario(
  [7],
  'kill-frozen: where Redis has a process namespace of its own nothing is killed, and that is told',
  async (t) => {
    const script = join(stage.workspace.folder('own-namespace'), 'redis-server');
    const program = redisServerProgram();
    writeFileSync(
      script,
      `#!/bin/sh
case "$1" in --version) exec ${program} "$@" ;; esac
exec unshare --pid --fork --kill-child ${program} "$@"
`,
      { mode: 0o755 },
    );
    const { scenario, group, master } = await startScenario(t, stage, {
      agentEnv,
      program: script,
    });
    for (const pod of group.pods) {
      const { weaknesses } = await pod.state();
      t.match(weaknesses, [/^RO_KILL_UNAVAILABLE: .* does not share its process namespace/]);
      t.match(pod.story(), /RO_KILL_UNAVAILABLE/, 'also in the log');
    }
    const mark = performance.now();
    master.redis.signal('SIGKILL');
    await scenario.recovery('Redis killed', mark, 20_000, master);
    const next = await oneMaster(group, { not: master });
    await waitFor(
      'the agents live on',
      async () => (await Promise.all(group.pods.map((pod) => pod.state()))).length === 3,
      { timeoutMs: 10_000 },
    );
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);
