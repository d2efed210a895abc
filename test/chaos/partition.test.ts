// Links between pods, and between a pod and the API server, are cut (scenarios 11, 12, 13, 17, 23).

import t from 'tap';
import { oneMaster } from '../harness/one-master.ts';
import { openStage, startScenario } from '../harness/scenario.ts';
import { holdsFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);

await t.test('x', async (t) => {
  const { scenario, group, master } = await startScenario(t, stage);
  await holdsFor(1000, () => undefined);
  t.comment(master.ip);
  await oneMaster(group);
  await scenario.end(master);
});
