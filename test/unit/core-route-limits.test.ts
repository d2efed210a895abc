// The fast route at its edges: which pods readers are sent to, and what is told where it is not as it should be.

import t from 'tap';
import type { AgentState } from '../../agent/core/model.ts';
import { routeChanges, routeReports, type RouteView } from '../../agent/core/route.ts';
import { type SliceView, sliceContent } from '../../agent/core/slice.ts';
import { pod } from './core-fixtures.ts';
import { hearing, inSync, leader, service, view } from './route-fixtures.ts';

const readers = service({ name: 'readers', route: 'replicas' });
const six = (n: number) => pod(n, { ip: `fd00::${n}` });

/** The slice of this Service that leads to these pods. */
function slice(
  to: number[],
  of = service(),
  name = `redis-orchestrator-${of.name}-ipv4`,
): SliceView {
  const pods = to.map((n) => pod(n));
  const content = sliceContent(of, 'IPv4', { ...view([]), pods });
  return { ...content, name, resourceVersion: '7' };
}

const names = (state: AgentState, now: RouteView): (string | undefined)[] =>
  routeChanges(state, now).map(({ to }) => to);
const told = (state: AgentState, now: RouteView) =>
  routeReports(state, now, () => null).map(({ ok, detail }) => `${ok}: ${detail}`);

await t.test('replicas: pods that ended, have no address or no agent are no readers', (t) => {
  const pods = [pod(0), pod(1, { terminal: true }), pod(2, { ip: null }), pod(3)];
  const synced = hearing(hearing(hearing(leader(0, pods), 1, inSync), 2, inSync), 3, inSync);
  t.same(names(synced, view([readers])), ['redis-3']);
  const alien = [pod(0), pod(1, { managed: false })];
  const before = view([readers], { slices: [slice([1], readers)] });
  const young = { ...leader(0, alien), phaseSince: leader().now };
  t.same(names(young, before), ['redis-0'], 'though it was one before');
  t.end();
});

await t.test('replicas: by name, in whatever order pods are listed', (t) => {
  const pods = [pod(0), pod(2), pod(1)];
  const state = hearing(hearing(leader(0, pods), 1, inSync), 2, inSync);
  t.same(names(state, view([readers])), ['redis-1, redis-2']);
  t.end();
});

await t.test('replicas: of the address family of the master alone', (t) => {
  const mixed = hearing(hearing(leader(0, [pod(0), six(1), pod(2)]), 1, inSync), 2, inSync);
  t.same(names(mixed, view([readers])), ['redis-2']);
  const both = { ...readers, families: ['IPv6'] };
  const sixes = hearing(leader(0, [six(0), six(1), pod(2)]), 1, inSync);
  t.same(names(hearing(sixes, 2, inSync), view([both])), ['redis-1']);
  t.end();
});

await t.test('each Service is compared with the slice of its own name', (t) => {
  const other = service({ name: 'other' });
  const slices = [slice([1], other), slice([0])];
  t.match(routeChanges(leader(), view([service(), other], { slices })), [
    { name: 'redis-orchestrator-other-ipv4', current: { resourceVersion: '7' }, to: 'redis-0' },
  ]);
  t.equal(routeChanges(leader(), view([service(), other], { slices })).length, 1);
  t.same(told(leader(), view([service(), other], { slices })), [
    'true: leads to redis-0',
    'false: leads to redis-1, not to the master',
  ]);
  t.end();
});

await t.test(
  'a slice that nobody asks for goes, by its name and version, and not in a hurry',
  (t) => {
    const stale = slice([0]);
    const [change, ...others] = routeChanges(leader(), view([], { slices: [stale] }));
    t.same(change, {
      name: stale.name,
      isUrgent: false,
      current: stale,
      wanted: null,
      to: 'nobody',
    });
    t.same(others, []);
    t.end();
  },
);

await t.test('a master whose pod has no address yet routes nothing, and says so', (t) => {
  const state = leader(0, [pod(0, { ip: null })]);
  t.same(routeChanges(state, view([service()])), []);
  t.same(told(state, view([service()])), ['false: this pod has no address yet']);
  t.same(told({ ...state, pods: null }, view([service()])), ['false: this pod has no address yet']);
  t.same(told(state, view([], { services: null })), [], 'nor is it told before they are listed');
  const unread = view([service()], { slices: null });
  t.same(told(leader(), unread), ['false: its EndpointSlice was not read yet']);
  t.end();
});

const ending = (pods = [pod(0, { leaving: true })]): AgentState => ({
  ...leader(0, pods),
  phase: 'Fenced',
  redis: null,
  terminating: true,
});

await t.test('the last pod takes out what leads to it alone, and nothing else', (t) => {
  const mine = slice([0]);
  const slices = [mine, slice([0, 1], readers), slice([], service({ name: 'none' }))];
  t.same(routeChanges(ending(), view([], { slices })), [
    {
      name: mine.name,
      isUrgent: false,
      current: mine,
      wanted: { ...mine, endpoints: [] },
      to: 'nobody',
    },
  ]);
  t.end();
});

await t.test('the last pod is whom no other could follow, whether it ends itself or not', (t) => {
  const changes = (others: ReturnType<typeof pod>[], own = pod(0, { leaving: true })): number =>
    routeChanges(ending([own, ...others]), view([], { slices: [slice([0])] })).length;
  t.equal(changes([pod(1)]), 0);
  t.equal(changes([pod(1, { leaving: true })]), 1);
  t.equal(changes([pod(1, { terminal: true })]), 1);
  t.equal(changes([pod(1, { ip: null })]), 1);
  t.equal(changes([pod(1, { managed: false })]), 1);
  t.equal(changes([], pod(0)), 1, 'its agent is stopped by hand');
  t.end();
});

await t.test('told: readers are where replicas are, or at the master, and never nowhere', (t) => {
  const at = (to: number[]) => told(leader(), view([readers], { slices: [slice(to, readers)] }));
  t.same(at([1, 2]), ['true: leads to redis-1, redis-2']);
  t.same(at([0]), ['true: leads to redis-0, the master: no replica is in sync']);
  t.same(at([]), ['false: leads to nobody']);
  const master = told(leader(), view([service()], { slices: [slice([0, 1])] }));
  t.same(master, ['false: leads to redis-0, redis-1, not to the master'], 'not to it alone');
  t.end();
});

await t.test('told: a port counts in the pods that the slice leads to', (t) => {
  const ports = [{ name: '', protocol: 'TCP', appProtocol: null, target: 'redis' }];
  const named = service({ ports });
  const places = new Map(view([]).places).set('u2', { node: null, ports: { redis: 7000 } });
  const now = view([named], { places, slices: [slice([0], named)] });
  t.same(told(leader(), now), ['true: leads to redis-0'], 'another pod has another port');
  t.end();
});

await t.test('a pod of which the node is not known gets an endpoint without one', (t) => {
  const pods = [pod(8)];
  const [endpoint] = sliceContent(service(), 'IPv4', { ...view([]), pods }).endpoints;
  t.notOk('nodeName' in (endpoint ?? {}));
  t.end();
});
