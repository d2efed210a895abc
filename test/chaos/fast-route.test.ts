// The right to EndpointSlices is taken away while a Service asks for the fast route (scenario 73):
// it is said plainly, and the label route goes on. What the route does otherwise is in
// test/kube/fast-route.test.ts and test/e2e/fast-route.test.ts: the pods here have loopback
// addresses, which an EndpointSlice may not hold.

import t from 'tap';
import { AGENT_ROLE, GROUP_LABEL, ROUTE_LABEL } from '../../src/names.ts';
import { AGENT_RULES } from '../../webhook/agent-role.ts';
import { declarations } from '../harness/declare.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { openStage, startScenario } from '../harness/scenario.ts';
import { waitFor } from '../harness/wait-for.ts';

t.setTimeout(300_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);

await declare(
  [73],
  'no right to EndpointSlices: said plainly, the label route goes on',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const { namespace } = group.account;
    const role = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles/${AGENT_ROLE}`;
    const rules = AGENT_RULES.filter(({ resources }) => resources?.[0] !== 'endpointslices');
    await group.admin.patch(role, { rules });
    await group.admin.create(`/api/v1/namespaces/${namespace}/services`, {
      metadata: { name: 'redis', labels: { [ROUTE_LABEL]: 'master', [GROUP_LABEL]: group.name } },
      spec: { ports: [{ port: 6379 }] },
    });
    const told = async (pod: Pod): Promise<boolean> => {
      const fast = (await pod.state()).route.find(({ kind }) => kind === 'fast');
      const denied = /RO_KUBE_DENIED: .*cannot list resource "endpointslices"/;
      return fast?.ok === false && denied.test(fast.detail);
    };
    await waitFor('the holder says what it lacks', async () => await told(master), {
      timeoutMs: 10_000,
      picture: async () => JSON.stringify((await master.state()).route),
    });
    t.match(master.logTail(1000), /"code":"RO_KUBE_DENIED".*fast route not kept/, 'and its log');

    const mark = performance.now();
    master.redis.signal('SIGKILL');
    await scenario.recovery('by the label', mark, 5000, master);
    const next = await oneMaster(group, { timeoutMs: 30_000 });
    t.not(next.name, master.name, 'another master, and its label is true');
    await waitFor('it says so as well', async () => await told(next), { timeoutMs: 10_000 });
    await scenario.end(next, { mayLoseAfterMs: mark - 500 });
  },
);
