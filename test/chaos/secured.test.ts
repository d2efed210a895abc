// The same with a password, with TLS, and with both (the master's Redis is killed each time).

import t, { type Test } from 'tap';
import { declarations } from '../harness/declare.ts';
import { redisTlsFiles } from '../harness/certificates.ts';
import type { GroupOptions } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import { openStage, startScenario } from '../harness/scenario.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);
const PASSWORD = 'correct horse "battery" $staple';

async function failsOver(t: Test, options: GroupOptions): Promise<void> {
  const { scenario, group, master } = await startScenario(t, stage, options);
  const mark = performance.now();
  master.redis.signal('SIGKILL');
  const recoveryMs = await scenario.recovery('Redis killed', mark, 20_000, master);
  t.ok(recoveryMs < 4000, 'soon');
  const next = await oneMaster(group, { not: master });
  for (const pod of group.pods) {
    t.notMatch(pod.agent.process.tail(10_000), PASSWORD, `${pod.name} logs no password`);
  }
  await scenario.end(next, { mayLoseAfterMs: mark - 200 });
}

const tlsFiles = async () => await redisTlsFiles(stage.workspace.folder('tls'));

await declare([1], 'a group with a password fails over', async (t) => {
  await failsOver(t, { password: PASSWORD });
});

await declare([1], 'a group with TLS fails over', async (t) => {
  await failsOver(t, {
    tls: await tlsFiles(),
    agentEnv: { RO_REDIS_TLS_SERVER_NAME: 'redis' },
  });
});

await declare([1], 'a group with TLS and a password fails over', async (t) => {
  await failsOver(t, {
    tls: await tlsFiles(),
    password: PASSWORD,
    agentEnv: { RO_REDIS_TLS_SERVER_NAME: 'redis' },
  });
});
