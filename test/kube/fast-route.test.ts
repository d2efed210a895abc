// The keeper of the fast route on a real API server, with the agent's own rights: what it makes,
// what it repairs, and what it says when it is not allowed to (scenario 73). The pods are made up:
// their addresses are.

import t from 'tap';
import type { V1EndpointSlice } from '@kubernetes/client-node';
import { systemClock } from '../../agent/clock.ts';
import type { AgentState } from '../../agent/core/model.ts';
import { type RouteView, routeChanges } from '../../agent/core/route.ts';
import { KubeApi } from '../../agent/kube/api.ts';
import { RouteKeeper } from '../../agent/kube/route-keeper.ts';
import { SlicesAdapter } from '../../agent/kube/slices.ts';
import { AGENT_ROLE } from '../../src/names.ts';
import { AGENT_RULES } from '../../webhook/agent-role.ts';
import { createAgentAccount } from '../harness/agent-account.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Workspace } from '../harness/workspace.ts';
import { hearing, inSync, leader, view } from '../unit/route-fixtures.ts';

const NAMESPACE = 'fast-route';
const workspace = new Workspace();
t.teardown(async () => await workspace.close());
const controlPlane = await startControlPlane(workspace);
const { admin } = controlPlane;
const account = await createAgentAccount(controlPlane, NAMESPACE);
const base = `/api/v1/namespaces/${NAMESPACE}/services`;
const slices = `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`;
const role = `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}/roles/${AGENT_ROLE}`;
const PATH = `${slices}/redis-orchestrator-redis-ipv4`;
const log: string[] = [];

type Line = Record<string, unknown>;

/** One agent: its keeper, reconciled every few milliseconds as the runtime does it. */
class Agent {
  state: AgentState;
  readonly keeper: RouteKeeper;
  readonly slices: SlicesAdapter;

  constructor(state: AgentState) {
    this.state = state;
    const note = (fields: Line | string, text = ''): number =>
      log.push(`${text} ${JSON.stringify(fields)}`);
    const api = new KubeApi(
      {
        origin: controlPlane.url,
        tls: { ca: controlPlane.caPem },
        headers: () => ({ authorization: `Bearer ${account.access.token}` }),
      },
      systemClock,
    );
    this.slices = new SlicesAdapter(api, NAMESPACE);
    this.keeper = new RouteKeeper({
      slices: this.slices,
      namespace: NAMESPACE,
      group: 'redis',
      placeOf: () => ({ node: 'node-1', ports: { redis: 6379 } }),
      syncIntervalMs: 1000,
      clock: systemClock,
      log: { debug: note, info: note, warn: note, error: note },
      random: Math.random,
    });
    this.keeper.start();
    const timer = systemClock.every(5, () => this.keeper.reconcile(this.state));
    workspace.atEnd(async () => {
      timer.cancel();
      await this.keeper.stop(this.state);
      await api.close();
    });
  }

  view(): RouteView {
    const { services, slices: kept } = this.slices;
    return view(services ?? [], { namespace: NAMESPACE, slices: kept });
  }

  report(): string {
    return JSON.stringify(this.keeper.reports(this.state));
  }
}

function deposed(state: AgentState): AgentState {
  return { ...state, phase: 'Fenced' };
}

async function addresses(path = PATH): Promise<string> {
  const slice = await admin.find<V1EndpointSlice>(path);
  if (slice === undefined) return 'none';
  return (slice.endpoints ?? []).flatMap((each) => each.addresses).join(' ');
}

async function leadsTo(wanted: string, path = PATH): Promise<void> {
  await waitFor(`${path} leads to ${wanted}`, async () => (await addresses(path)) === wanted, {
    timeoutMs: 8000,
    everyMs: 5,
    picture: async () => `${await addresses(path)}\n${log.slice(-10).join('\n')}`,
  });
}

await admin.create(base, {
  metadata: {
    name: 'redis',
    labels: { 'redis-orchestrator.io/route': 'master', 'redis-orchestrator.io/group': 'redis' },
  },
  spec: { ports: [{ name: 'redis', port: 6379, targetPort: 'redis' }] },
});
const one = new Agent(leader(1));
const two = new Agent(deposed(leader(2)));

await t.test('the holder makes the slice, owned by the Service', async (t) => {
  await leadsTo('10.0.0.1');
  const slice = await admin.get<V1EndpointSlice>(PATH);
  const owner = await admin.get<{ metadata: { uid: string } }>(`${base}/redis`);
  t.match(slice.metadata?.ownerReferences, [{ kind: 'Service', uid: owner.metadata.uid }]);
  t.match(slice.ports, [{ name: 'redis', port: 6379, protocol: 'TCP' }]);
  t.match(one.report(), /"kind":"fast","ok":true,"detail":"leads to redis-1"/);
});

await t.test('it follows the master: one request', async (t) => {
  const before = (await admin.get<V1EndpointSlice>(PATH)).metadata?.generation ?? 0;
  one.state = deposed(one.state);
  const startedAt = performance.now();
  two.state = leader(2);
  await leadsTo('10.0.0.2');
  t.comment(`${(performance.now() - startedAt).toFixed(0)} ms`);
  const after = (await admin.get<V1EndpointSlice>(PATH)).metadata?.generation ?? 0;
  t.equal(after, before + 1);
});

await t.test('a write that was judged on an old version changes nothing', async (t) => {
  const [change] = routeChanges(leader(1), two.view());
  if (change === undefined) throw new Error('nothing is to be changed');
  await admin.patch(PATH, { metadata: { annotations: { somebody: 'was faster' } } });
  const late = await two.slices.write(change, { isBlind: false, timeoutMs: 2000 });
  t.match(late, { ok: false, status: 409 });
  t.equal(await addresses(), '10.0.0.2');
});

await t.test('edited by hand: repaired', async () => {
  await admin.patch(PATH, { endpoints: [{ addresses: ['10.9.9.9'] }] });
  await leadsTo('10.0.0.2');
  await admin.patch(PATH, { endpoints: null });
  await leadsTo('10.0.0.2');
});

await t.test('deleted by hand: made again', async () => {
  await admin.delete(PATH);
  await leadsTo('10.0.0.2');
});

await t.test('its labels taken off by hand: found all the same', async (t) => {
  await admin.patch(PATH, {
    metadata: { labels: { 'endpointslice.kubernetes.io/managed-by': null } },
    endpoints: null,
  });
  await leadsTo('10.0.0.2');
  const slice = await admin.get<V1EndpointSlice>(PATH);
  t.equal(
    slice.metadata?.labels?.['endpointslice.kubernetes.io/managed-by'],
    'redis-orchestrator.io',
  );
});

await t.test('a port of the Service changes', async () => {
  await admin.patch(`${base}/redis`, { spec: { ports: [{ name: 'redis', port: 7000 }] } });
  await waitFor(
    'the slice has the new port',
    async () => (await admin.get<V1EndpointSlice>(PATH)).ports?.[0]?.port === 7000,
    { timeoutMs: 5000 },
  );
});

await t.test('the right is taken away: said plainly, and kept again once it is back', async (t) => {
  const rules = AGENT_RULES.filter(({ resources }) => resources?.[0] !== 'endpointslices');
  await admin.patch(role, { rules });
  two.state = deposed(two.state);
  one.state = leader(1);
  const denied =
    /RO_KUBE_DENIED: patch endpointslices: .*cannot patch resource \\"endpointslices\\"/;
  await waitFor('it is told', () => denied.test(one.report()), {
    timeoutMs: 8000,
    picture: () => one.report(),
  });
  t.match(one.report(), /"ok":false/);
  t.ok(
    log.some((line) => /fast route not kept.*RO_KUBE_DENIED.*patch/.test(line)),
    'in the log',
  );
  await admin.patch(role, { rules: AGENT_RULES });
  await leadsTo('10.0.0.1');
  await waitFor('all is well', () => /"ok":true/.test(one.report()), { timeoutMs: 2000 });
});

await t.test('replicas: those in sync', async () => {
  await admin.create(base, {
    metadata: {
      name: 'readers',
      labels: { 'redis-orchestrator.io/route': 'replicas', 'redis-orchestrator.io/group': 'redis' },
    },
    spec: { clusterIP: 'None', ports: [{ port: 6379 }] },
  });
  const path = `${slices}/redis-orchestrator-readers-ipv4`;
  await leadsTo('10.0.0.1', path);
  const hear = (): void => {
    one.state = hearing(hearing(leader(1), 0, inSync), 2, inSync);
  };
  hear();
  await leadsTo('10.0.0.0 10.0.0.2', path);
});

await t.test('a slice that a selector left behind is told', async (t) => {
  await admin.create(slices, {
    metadata: { name: 'redis-left', labels: { 'kubernetes.io/service-name': 'redis' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.9.9.9'] }],
    ports: [],
  });
  await waitFor('it is told', () => /EndpointSlice redis-left says/.test(one.report()), {
    timeoutMs: 8000,
    picture: () => one.report(),
  });
  await admin.delete(`${slices}/redis-left`);
  await waitFor('all is well', () => !/redis-left/.test(one.report()), { timeoutMs: 8000 });
  t.match(one.report(), /"detail":"leads to redis-1"/);
});

await t.test('a Service that changes its mind: the slice is removed', async (t) => {
  const label = (value: string | null): object => ({
    metadata: { labels: { 'redis-orchestrator.io/route': value } },
  });
  await admin.patch(`${base}/redis`, label(null));
  await leadsTo('none');
  await admin.patch(`${base}/redis`, label('master'));
  await leadsTo('10.0.0.1');
  await admin.patch(`${base}/redis`, { spec: { selector: { app: 'redis' } } });
  await leadsTo('none');
  t.match(one.report(), /has a selector/);
});

await t.test('the last pod of the group ends: its address is taken out', async () => {
  await admin.patch(`${base}/redis`, { spec: { selector: null } });
  await leadsTo('10.0.0.1');
  const pods = leader(1).pods ?? [];
  const leaving = pods.map((pod) => ({ ...pod, leaving: true }));
  one.state = { ...deposed(leader(1)), pods: leaving, redis: null, terminating: true };
  await one.keeper.stop(one.state);
  await leadsTo('');
});

await t.test('an agent without the right to read says so', async (t) => {
  const rules = AGENT_RULES.filter(({ resources }) => resources?.[0] !== 'endpointslices');
  await admin.patch(role, { rules });
  const three = new Agent(leader(0));
  const denied = /RO_KUBE_DENIED: list .*cannot list resource \\"endpointslices\\"/;
  await waitFor('it is told', () => denied.test(three.report()), {
    timeoutMs: 5000,
    picture: () => three.report(),
  });
  t.ok(
    log.some((line) => /fast route not kept.*RO_KUBE_DENIED.*list/.test(line)),
    'in the log',
  );
});
