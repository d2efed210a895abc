// The product is taken away again, by the order of docs/adopt.md (scenario 70).

import t from 'tap';
import { ROLE_LABEL } from '../../src/names.ts';
import { declarations } from '../harness/declare.ts';
import { oneMaster } from '../harness/one-master.ts';
import { openStage, startScenario } from '../harness/scenario.ts';
import { waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);

await declare(
  [70],
  'uninstalled in the documented order: a plain master with all data is left',
  async (t) => {
    const { scenario, group } = await startScenario(t, stage);
    // Scaled to one pod: the master is handed over to pod 0 on the way.
    for (const name of ['redis-2', 'redis-1']) {
      const pod = group.pod(name);
      await pod.delete();
      group.forget(pod);
    }
    const last = await oneMaster(group);
    t.equal(last.name, 'redis-0', 'pod 0 is the master');
    await scenario.busy();
    const mark = performance.now();
    // The namespace is not labelled any more: the pod comes back without an agent.
    await last.delete();
    group.forget(last);
    const plain = await group.create('redis-0', { managed: false });
    const role = async (): Promise<boolean> => (await plain.replication()).role === 'master';
    await waitFor('it answers as a master', role, { timeoutMs: 10_000 });
    // The Service asks for no role any more; the one of this harness does, so the pod gets its label.
    const labels = { [ROLE_LABEL]: 'master' };
    await group.admin.patch(plain.path, { metadata: { labels } });
    await scenario.recovery('the Service leads to the plain pod', mark, 10_000, last);
    t.notOk(plain.hasAgent, 'without an agent');
    // The term does not grow any more: nobody is left who would count.
    await scenario.end(plain, { mayOverlap: true });
  },
);
