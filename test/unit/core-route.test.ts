// Which EndpointSlices the holder wants for the Services that ask for a fast route.

import t from 'tap';
import type { AgentState } from '../../agent/core/model.ts';
import {
  type RouteChange,
  routeChanges,
  routeReports,
  type RouteView,
} from '../../agent/core/route.ts';
import type { SliceView } from '../../agent/core/slice.ts';
import { pod } from './core-fixtures.ts';
import { hearing, inSync, leader, service, view } from './route-fixtures.ts';

/** The view after the changes were carried out. */
function carriedOut(before: RouteView, changes: readonly RouteChange[]): RouteView {
  const slices = new Map((before.slices ?? []).map((slice) => [slice.name, slice]));
  for (const { name, wanted } of changes) {
    if (wanted === null) slices.delete(name);
    else slices.set(name, { ...wanted, name, resourceVersion: '7' });
  }
  return { ...before, slices: [...slices.values()] };
}

function settled(state: AgentState, before: RouteView): RouteView {
  return carriedOut(before, routeChanges(state, before));
}

function only(slices: readonly SliceView[] | null): SliceView {
  const [slice] = slices ?? [];
  if (slice === undefined || slices?.length !== 1) throw new Error('there is not just one slice');
  return slice;
}

const detail = (state: AgentState, now: RouteView): string =>
  routeReports(state, now, () => null)
    .map(({ service: name, ok, detail: text }) => `${name} ${ok}: ${text}`)
    .join('\n');

await t.test('the master alone is in the slice, ready, with the ports of the Service', (t) => {
  const ports = [
    { name: 'redis', protocol: 'TCP', appProtocol: 'redis', target: 'redis' },
    { name: 'other', protocol: 'TCP', appProtocol: null, target: 7000 },
  ];
  const [change] = routeChanges(leader(), view([service({ ports })]));
  t.match(change, { name: 'redis-orchestrator-redis-ipv4', current: null, to: 'redis-0' });
  t.same(change?.wanted, {
    addressType: 'IPv4',
    labels: {
      'kubernetes.io/service-name': 'redis',
      'endpointslice.kubernetes.io/managed-by': 'redis-orchestrator.io',
      'redis-orchestrator.io/group': 'redis',
    },
    owners: ['service-uid'],
    ports: [
      { name: 'redis', protocol: 'TCP', port: 6379, appProtocol: 'redis' },
      { name: 'other', protocol: 'TCP', port: 7000 },
    ],
    endpoints: [
      {
        addresses: ['10.0.0.0'],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: 'node-1',
        targetRef: { kind: 'Pod', namespace: 'shop', name: 'redis-0', uid: 'u0' },
      },
    ],
  });
  t.end();
});

await t.test('nothing is written twice, whatever the order of keys', (t) => {
  const before = settled(leader(), view([service()]));
  t.same(routeChanges(leader(), before), []);
  const slice = only(before.slices);
  const shuffled = slice.endpoints.map(({ addresses, targetRef, ...rest }) => ({
    targetRef,
    ...rest,
    addresses,
  }));
  const same = { ...slice, endpoints: shuffled as SliceView['endpoints'] };
  t.same(routeChanges(leader(), { ...before, slices: [same] }), []);
  t.end();
});

await t.test('what somebody changed by hand is put right', (t) => {
  const before = settled(leader(), view([service()]));
  const slice = only(before.slices);
  const [endpoint = { addresses: [] }] = slice.endpoints;
  const edits: Partial<SliceView>[] = [
    { endpoints: [{ ...endpoint, addresses: ['10.9.9.9'] }] },
    { endpoints: [{ ...endpoint, conditions: { ready: false } }] },
    { endpoints: [endpoint, { addresses: ['10.9.9.9'] }] },
    { endpoints: [] },
    { ports: [{ name: 'redis', protocol: 'TCP', port: 1 }] },
    { owners: [] },
    { labels: { ...slice.labels, 'kubernetes.io/service-name': 'other' } },
  ];
  for (const edit of edits) {
    const now = { ...before, slices: [{ ...slice, ...edit }] };
    t.match(
      routeChanges(leader(), now),
      [{ current: { resourceVersion: '7' } }],
      String(Object.keys(edit)),
    );
  }
  const labels = { ...slice.labels, team: 'shop' };
  t.same(routeChanges(leader(), { ...before, slices: [{ ...slice, labels }] }), [], 'not theirs');
  t.end();
});

await t.test('a new master takes the slice over with one change', (t) => {
  const before = settled(leader(0), view([service()]));
  const changes = routeChanges(leader(1), before);
  t.match(changes, [{ to: 'redis-1', current: { resourceVersion: '7' }, isUrgent: true }]);
  t.equal(changes.length, 1);
  t.end();
});

await t.test('only the holder of an open master writes, while it is valid', (t) => {
  const now = view([service()]);
  const good = leader();
  t.equal(routeChanges(good, now).length, 1);
  const instance = good.redis?.reachable === true ? good.redis.instance : null;
  if (instance === null) throw new Error('the leader has no Redis');
  const bad: Record<string, AgentState> = {
    following: { ...good, phase: 'Following' },
    'deciding, not yet promoted': { ...good, phase: 'Deciding' },
    'promoting, with an old Lease': { ...good, phase: 'Promoting', validUntil: good.now },
    'validity over': { ...good, validUntil: good.now },
    'given away, perhaps': { ...good, unsure: true },
    'its Redis is gone': { ...good, redis: null },
    'its Redis is a replica': {
      ...good,
      redis: { reachable: true, instance: { ...instance, role: 'replica' }, seenAt: good.now },
    },
    'its pod is not known': { ...good, pods: [pod(1)] },
  };
  for (const [why, state] of Object.entries(bad)) t.same(routeChanges(state, now), [], why);
  t.end();
});

await t.test(
  "who is promoted has the master's clients come; readers stay until it is open",
  (t) => {
    const services = [service(), service({ name: 'readers', uid: 'r', route: 'replicas' })];
    const before = settled(leader(0), view(services));
    const promoting: AgentState = { ...leader(1), phase: 'Promoting', redis: null };
    const changes = routeChanges(promoting, before);
    t.match(changes, [{ to: 'redis-1', isUrgent: true }]);
    t.equal(changes.length, 1);
    const stale = settled(leader(0), view([service({ name: 'old' })]));
    t.same(routeChanges(promoting, { ...stale, services: [] }), [], 'nothing is removed yet');
    t.end();
  },
);

await t.test('nothing is decided before Services and slices were listed', (t) => {
  const before = settled(leader(), view([service()]));
  t.same(routeChanges(leader(), { ...before, services: null }), [], 'nothing is stale');
  t.same(routeChanges(leader(), { ...before, slices: null }), []);
  t.end();
});

await t.test('replicas: those in sync, by name', (t) => {
  const readers = service({ name: 'readers', route: 'replicas' });
  const state = hearing(hearing(leader(), 2, inSync), 1, inSync);
  t.match(routeChanges(state, view([readers])), [{ to: 'redis-1, redis-2', isUrgent: false }]);
  const lagging = hearing(state, 1, { role: 'replica', inSync: false });
  t.match(routeChanges(lagging, view([readers])), [{ to: 'redis-2' }]);
  const leaving = { ...state, pods: [pod(0), pod(1, { leaving: true }), pod(2)] };
  t.match(routeChanges(leaving, view([readers])), [{ to: 'redis-2' }]);
  const silent = { ...state, now: state.now + 2000, validUntil: state.now + 9000 };
  t.match(routeChanges(silent, view([readers])), [{ to: 'redis-0' }], 'silent ones are not');
  t.end();
});

await t.test('replicas: without one in sync readers are sent to the master', (t) => {
  const readers = service({ name: 'readers', route: 'replicas' });
  const now = settled(leader(), view([readers]));
  t.match(only(now.slices).endpoints, [{ targetRef: { name: 'redis-0' } }]);
  t.match(detail(leader(), now), /readers true: leads to redis-0, the master: no replica/);
  t.end();
});

await t.test(
  'replicas: right after a change of master those in use stay, then they do not',
  (t) => {
    const readers = service({ name: 'readers', route: 'replicas' });
    const old = hearing(hearing(leader(0), 1, inSync), 2, inSync);
    const before = settled(old, view([readers]));
    const young = { ...leader(1), phaseSince: leader(1).now - 50 };
    const fenced = hearing(young, 2, { role: 'limbo', inSync: false });
    t.match(routeChanges(fenced, before), [{ to: 'redis-2' }], 'the one that attaches anew');
    const gone = hearing(young, 2, { role: 'unknown', inSync: false });
    t.match(routeChanges(gone, before), [{ to: 'redis-1' }], 'not one whose Redis is gone');
    const late = { ...fenced, phaseSince: leader(1).now - 4000 };
    t.match(routeChanges(late, before), [{ to: 'redis-1' }], 'not for ever');
    t.end();
  },
);

await t.test("the master's slice comes first", (t) => {
  const services = [service({ name: 'a', route: 'replicas' }), service({ name: 'b' })];
  const changes = routeChanges(leader(), view(services));
  t.same(
    changes.map(({ name, isUrgent }) => [name, isUrgent]),
    [
      ['redis-orchestrator-b-ipv4', true],
      ['redis-orchestrator-a-ipv4', false],
    ],
  );
  t.end();
});

await t.test('a Service of another group is left alone, and so are its slices', (t) => {
  const other = service({ group: 'cache' });
  t.same(routeChanges(leader(), view([other])), []);
  const theirs = only(settled(leader(), view([service()])).slices);
  const labels = { ...theirs.labels, 'redis-orchestrator.io/group': 'cache' };
  t.same(routeChanges(leader(), view([other], { slices: [{ ...theirs, labels }] })), []);
  t.same(
    routeReports(leader(), view([other]), () => null),
    [],
  );
  t.end();
});

await t.test('a slice that no Service asks for any more is removed', (t) => {
  const before = settled(leader(), view([service()]));
  const reasons: Record<string, RouteView['services']> = {
    'the Service is gone': [],
    'it has a selector now': [service({ hasSelector: true })],
    'it belongs to another group': [service({ group: 'cache' })],
    'its route is misspelt': [service({ route: 'mater' })],
  };
  for (const [why, services] of Object.entries(reasons)) {
    t.match(routeChanges(leader(), { ...before, services }), [{ wanted: null }], why);
  }
  t.end();
});

await t.test('a Service that gets no slice is told why', (t) => {
  const cases: [Parameters<typeof service>[0], RegExp][] = [
    [{ group: null }, /names no group: label it redis-orchestrator\.io\/group=redis/],
    [{ route: 'mater' }, /route=mater: write master or replicas/],
    [{ isExternalName: true }, /ExternalName/],
    [{ hasSelector: true }, /has a selector, so Kubernetes keeps its endpoints/],
    [{ families: ['IPv6'] }, /is IPv6 and the pods are IPv4/],
  ];
  for (const [changes, why] of cases) {
    const now = view([service(changes)]);
    t.same(routeChanges(leader(), now), [], String(why));
    t.match(detail(leader(), now), why);
  }
  t.end();
});

await t.test('a port by a name that no container has is left out and told', (t) => {
  const ports = [
    { name: 'redis', protocol: 'TCP', appProtocol: null, target: 'redsi' },
    { name: 'again', protocol: 'TCP', appProtocol: null, target: 6379 },
  ];
  const now = settled(leader(), view([service({ ports })]));
  t.match(only(now.slices).ports, [{ name: 'again', port: 6379 }]);
  t.match(detail(leader(), now), /redis false: no container of its pods has a port named redsi/);
  t.end();
});

await t.test('a port whose number differs from pod to pod is told', (t) => {
  const ports = [{ name: '', protocol: 'TCP', appProtocol: null, target: 'redis' }];
  const readers = service({ route: 'replicas', ports });
  const state = hearing(hearing(leader(), 1, inSync), 2, inSync);
  const places = new Map(view([]).places).set('u2', { node: null, ports: { redis: 7000 } });
  const now = settled(state, view([readers], { places }));
  t.same(only(now.slices).ports, []);
  t.match(detail(state, now), /redis is another port in each pod \(6379, 7000\): write a number/);
  t.end();
});

await t.test('pods with IPv6 addresses get a slice of that type', (t) => {
  const six = leader(0, [pod(0, { ip: 'fd00::1' })]);
  const now = settled(six, view([service({ families: ['IPv4', 'IPv6'] })]));
  t.match(only(now.slices), { addressType: 'IPv6', name: 'redis-orchestrator-redis-ipv6' });
  t.end();
});

await t.test('a slice of another address type under our name is made anew', (t) => {
  const before = settled(leader(), view([service()]));
  const slice = { ...only(before.slices), addressType: 'FQDN' };
  const changes = routeChanges(leader(), { ...before, slices: [slice] });
  t.match(changes, [{ wanted: null, isUrgent: true }]);
  t.match(routeChanges(leader(), carriedOut(before, changes)), [{ current: null }]);
  t.end();
});

await t.test('a headless Service gets a slice that kube-proxy does not look at', (t) => {
  const now = settled(leader(), view([service({ isHeadless: true, ports: [] })]));
  t.equal(only(now.slices).labels['service.kubernetes.io/headless'], '');
  t.match(detail(leader(), now), /redis true: leads to redis-0/);
  t.end();
});

await t.test('told: where a Service leads, and when not to the master', (t) => {
  const now = settled(leader(0), view([service()]));
  t.equal(detail(leader(0), now), 'redis true: leads to redis-0');
  t.match(detail(leader(1), now), /redis false: leads to redis-0, not to the master/);
  t.match(detail(leader(), view([service()])), /redis false: the EndpointSlice .* is not there/);
  t.match(detail(leader(), view([service()], { slices: null })), /was not read yet/);
  const denied = routeReports(leader(), now, () => 'RO_KUBE_DENIED: patch endpointslices');
  t.match(denied, [
    { ok: false, detail: /leads to redis-0; RO_KUBE_DENIED: patch endpointslices/ },
  ]);
  t.end();
});

await t.test('told: a slice that Kubernetes or a person left leads clients elsewhere too', (t) => {
  const strangers = new Map([['redis', ['redis-x7f2p']]]);
  const now = settled(leader(), view([service()], { strangers }));
  t.match(detail(leader(), now), /redis false: leads also where EndpointSlice redis-x7f2p says/);
  t.end();
});

await t.test('the last pod of a group that ends takes its address out', (t) => {
  const now = settled(leader(), view([service()]));
  const ending: AgentState = {
    ...leader(0, [pod(0, { leaving: true })]),
    phase: 'Fenced',
    redis: null,
    terminating: true,
  };
  t.match(routeChanges(ending, now), [{ wanted: { endpoints: [] }, to: 'nobody' }]);
  const cases: [string, Partial<AgentState>][] = [
    ['only the agent ends', { terminating: false }],
    ['its Redis still serves', { redis: leader().redis }],
    ['another pod stays: it takes over', { pods: [pod(0, { leaving: true }), pod(1)] }],
  ];
  for (const [why, changes] of cases) t.same(routeChanges({ ...ending, ...changes }, now), [], why);
  const theirs = settled(leader(1), view([service()]));
  t.same(routeChanges(ending, theirs), [], 'it leads to another pod');
  t.end();
});
