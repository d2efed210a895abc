// The fast route on a real cluster: the EndpointSlice is made, repaired, removed with its Service,
// and clients reach a new master sooner than by the label.

import { writeFileSync } from 'node:fs';
import t from 'tap';
import { DiscoveryV1Api, type V1EndpointSlice } from '@kubernetes/client-node';
import { waitFor } from '../harness/wait-for.ts';
import { openCluster } from './cluster.ts';
import { record } from './records.ts';
import { measureService, routedGroup } from './service-times.ts';

/** Kills by each route. */
const ROUNDS = Number(process.env['RO_E2E_ROUNDS'] ?? '1');
t.setTimeout(3_600_000);
const cluster = openCluster();
const group = await routedGroup(t, cluster, 'fast');
const { namespace } = group;
const discovery = cluster.config.makeApiClient(DiscoveryV1Api);

async function sliceOf(service: string): Promise<V1EndpointSlice | undefined> {
  const labelSelector = `kubernetes.io/service-name=${service}`;
  const { items } = await discovery.listNamespacedEndpointSlice({ namespace, labelSelector });
  if (items.length > 1) throw new Error(`${service} has ${items.length} slices`);
  return items[0];
}

async function leadsTo(service: string, pods: readonly string[]): Promise<void> {
  const found = async (): Promise<string> =>
    ((await sliceOf(service))?.endpoints ?? []).map((each) => each.targetRef?.name).join(' ');
  await waitFor(
    `${service} leads to ${pods.join(', ')}`,
    async () => (await found()) === pods.join(' '),
    { timeoutMs: 15_000, everyMs: 50, picture: found },
  );
}

async function everybodyAsWanted(): Promise<void> {
  const master = await group.oneMaster();
  const others = (await group.pods())
    .map(({ name }) => name)
    .filter((name) => name !== master.name);
  await leadsTo('redis', [master.name]);
  await leadsTo('redis-replicas', others);
}

await t.test('each Service has one EndpointSlice, of the right pods', async (t) => {
  await everybodyAsWanted();
  const address = await group.serviceAddress();
  t.equal(await group.command(address, 'SET', 'hello', 'world'), 'OK', 'writes come through');
  const readers = await group.serviceAddress('redis-replicas');
  // kube-proxy carries a second change of a Service out up to a second later.
  const roleReached = async (): Promise<string> =>
    String(((await group.command(readers, 'ROLE')) as string[])[0]);
  await waitFor('readers reach a replica', async () => (await roleReached()) === 'slave', {
    timeoutMs: 5000,
    everyMs: 50,
    picture: roleReached,
  });
  const { route } = await group.state(await group.oneMaster());
  t.match(route, [
    { service: 'redis', kind: 'fast', ok: true },
    { service: 'redis-replicas', kind: 'fast', ok: true },
  ]);
});

await t.test('edited or deleted by hand: repaired', async () => {
  const name = (await sliceOf('redis'))?.metadata?.name ?? '';
  const master = await group.oneMaster();
  const edit = JSON.stringify({ endpoints: [{ addresses: ['10.9.9.9'] }] });
  await group.kubectl('patch', 'endpointslice', name, '--type=merge', '-p', edit);
  await leadsTo('redis', [master.name]);
  await group.kubectl('delete', 'endpointslice', name);
  await leadsTo('redis', [master.name]);
});

await t.test('scaled to 0: nobody is left in it; and back', async () => {
  await group.scale(0);
  await waitFor(
    'the Service leads to nobody',
    async () => {
      const slice = await sliceOf('redis');
      const isEmpty = slice !== undefined && (slice.endpoints ?? []).length === 0;
      return isEmpty && (await group.pods()).length === 0;
    },
    {
      timeoutMs: 60_000,
      everyMs: 200,
      picture: async () => JSON.stringify(await sliceOf('redis')),
    },
  );
  await group.scale(3);
  await everybodyAsWanted();
});

await t.test('the slice is removed with its Service', async () => {
  await group.kubectl('delete', 'service', 'redis-replicas');
  await waitFor('it is gone', async () => (await sliceOf('redis-replicas')) === undefined, {
    timeoutMs: 30_000,
    everyMs: 100,
  });
});

await t.test(
  "clients after the master's Redis was killed, by label and by fast route",
  async (t) => {
    const groups = { label: await routedGroup(t, cluster, 'label'), fast: group };
    const service = await measureService(t, groups, ROUNDS, (image, times) => {
      record(t, { image, what: 'Redis killed, through the Service', value: times.totalMs });
      record(t, { image, what: 'of that: our failover', value: times.oursMs });
      record(t, { image, what: 'of that: the EndpointSlice', value: times.sliceMs });
      record(t, { image, what: 'of that: kube-proxy', value: times.proxyMs });
    });
    t.equal(service.ours.n, ROUNDS);
    const file = process.env['RO_E2E_SERVICE_JSON'];
    if (file !== undefined) writeFileSync(file, `${JSON.stringify({ service }, null, 2)}\n`);
  },
);
