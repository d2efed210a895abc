// The fast route: which EndpointSlices the holder wants for the Services of its group. Only the
// holder of an open master writes them, and only while its Lease is valid; and who ends as the last
// one takes its own address out.

import type { RouteReport } from '../../src/wire.ts';
import { GROUP_LABEL, ROUTE_LABEL } from '../../src/names.ts';
import type { AgentState, PodView } from './model.ts';
import {
  familyOf,
  isAsWanted,
  type PodPlace,
  portProblem,
  type RouteService,
  type SliceContent,
  sliceContent,
  sliceName,
  type SliceView,
} from './slice.ts';
import {
  isHolder,
  isManaged,
  isValid,
  leaseOf,
  livePeers,
  localInstance,
  selfPod,
} from './view.ts';

/** After a change of master its replicas attach anew: so long those that readers use are kept. */
const LINGER_MS = 3000;

export type RouteView = {
  readonly namespace: string;
  readonly group: string;
  /** All that carry the route label; null: not listed yet. */
  readonly services: readonly RouteService[] | null;
  /** All that are managed by agents; null: not listed yet. */
  readonly slices: readonly SliceView[] | null;
  /** Slices of these Services that somebody else made, by the Service's name. */
  readonly strangers: ReadonlyMap<string, readonly string[]>;
  readonly places: ReadonlyMap<string, PodPlace>;
};

export type RouteChange = {
  readonly name: string;
  /** The master's are urgent: a second change waits up to a second in kube-proxy. */
  readonly isUrgent: boolean;
  /** What is there now, as it was judged; null: nothing. */
  readonly current: SliceView | null;
  /** What shall be there; null: nothing. */
  readonly wanted: SliceContent | null;
  /** Names of the pods, for the log. */
  readonly to: string;
};

const ROUTES: readonly string[] = ['master', 'replicas'];

/** Why the Service gets no slice, or null. */
function serviceProblem(service: RouteService, group: string, ip: string): string | null {
  if (service.group === null) {
    return `carries ${ROUTE_LABEL} and names no group: label it ${GROUP_LABEL}=${group}`;
  }
  if (!ROUTES.includes(service.route)) {
    return `${ROUTE_LABEL}=${service.route}: write master or replicas`;
  }
  if (service.isExternalName) return 'is of type ExternalName: it has no endpoints';
  if (service.hasSelector) {
    return `has a selector, so Kubernetes keeps its endpoints: remove it, or ${ROUTE_LABEL}`;
  }
  if (!service.families.includes(familyOf(ip))) {
    return `is ${service.families.join(', ')} and the pods are ${familyOf(ip)}`;
  }
  return null;
}

function isUsable(state: AgentState, pod: PodView): boolean {
  return isManaged(state, pod) && !pod.terminal && !pod.leaving && pod.ip !== null;
}

/** Replicas in sync, and for a moment those that were; without any, the master: never nobody. */
function readersPods(state: AgentState, self: PodView, slice: SliceView | null): PodView[] {
  const live = new Map(livePeers(state).map(({ report }) => [report.podUID, report]));
  const isSettling = state.now - state.phaseSince < LINGER_MS;
  const before = new Set((slice?.endpoints ?? []).map(({ targetRef }) => targetRef?.uid));
  const pods = (state.pods ?? []).filter((pod) => {
    if (pod.uid === self.uid || !isUsable(state, pod)) return false;
    const report = live.get(pod.uid);
    if (report?.role === 'replica' && report.inSync) return true;
    const mayServe = report === undefined || ['replica', 'limbo'].includes(report.role);
    return isSettling && before.has(pod.uid) && mayServe;
  });
  const family = familyOf(self.ip ?? '');
  const same = pods.filter(({ ip }) => familyOf(ip ?? '') === family);
  return same.length === 0 ? [self] : same.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function names(pods: readonly { readonly name?: string }[]): string {
  return pods.map(({ name }) => name ?? '?').join(', ');
}

type Wanted = Omit<RouteChange, 'wanted'> & { readonly content: SliceContent };

function wantedChange(
  state: AgentState,
  view: RouteView,
  self: PodView,
  service: RouteService,
): Wanted {
  const family = familyOf(self.ip ?? '');
  const name = sliceName(service.name, family);
  const current = view.slices?.find((slice) => slice.name === name) ?? null;
  const isUrgent = service.route === 'master';
  const pods = isUrgent ? [self] : readersPods(state, self, current);
  const content = sliceContent(service, family, { ...view, pods });
  return { name, isUrgent, current, content, to: names(pods) };
}

/**
 * The master, or who is promoted at this moment: it refuses writes until it is open, and kube-proxy takes longer than
 * that, so that clients come when it is ready. Readers stay where they are until then.
 */
function mayRoute(state: AgentState): boolean {
  if (!isHolder(state) || !isValid(state) || state.unsure) return false;
  if (state.phase === 'Promoting') return true;
  return state.phase === 'Leading' && localInstance(state)?.role === 'master';
}

/** The changes that make the slices true, the master's first; none where this is no master. */
export function routeChanges(state: AgentState, view: RouteView): readonly RouteChange[] {
  const self = selfPod(state);
  const { services, slices, group } = view;
  if (services === null || slices === null || self === null || self.ip === null) return [];
  if (!mayRoute(state)) return routesToEmpty(state, slices);
  const isPromoting = state.phase === 'Promoting';
  const { ip } = self;
  const wanted = services
    .filter((service) => service.group === group && serviceProblem(service, group, ip) === null)
    .map((service) => wantedChange(state, view, self, service));
  if (isPromoting) return changesTo(wanted.filter(({ isUrgent }) => isUrgent));
  const kept = new Set(wanted.map(({ name }) => name));
  const stale = slices
    .filter(({ labels, name }) => labels[GROUP_LABEL] === group && !kept.has(name))
    .map((current) => ({ ...emptying(current), wanted: null }));
  return [...changesTo(wanted), ...stale];
}

/** What is as it should be is left out. */
function changesTo(wanted: readonly Wanted[]): readonly RouteChange[] {
  return wanted
    .filter(({ current, content }) => !current || !isAsWanted(current, content))
    .map(({ content, ...change }) => ({
      ...change,
      // A slice cannot change its address type: it is removed, and then made anew.
      wanted:
        (change.current?.addressType ?? content.addressType) === content.addressType
          ? content
          : null,
    }))
    .toSorted((a, b) => Number(b.isUrgent) - Number(a.isUrgent));
}

function emptying(current: SliceView): RouteChange {
  const wanted = { ...current, endpoints: [] };
  return { name: current.name, isUrgent: false, current, wanted, to: 'nobody' };
}

/**
 * The slices that lead to this pod alone, where it ends, its Redis is gone and no other pod of the
 * group stays: nobody is left who would take the address out before another pod, a stranger's
 * perhaps, gets it. Where somebody took over meanwhile, the version that was judged is old.
 */
function routesToEmpty(state: AgentState, slices: readonly SliceView[]): readonly RouteChange[] {
  const { uid } = state.config.self;
  const isLast = !(state.pods ?? []).some((pod) => pod.uid !== uid && isUsable(state, pod));
  if (!state.terminating || localInstance(state) !== null || !isLast) return [];
  return slices
    .filter(({ endpoints }) => endpoints.length > 0)
    .filter(({ endpoints }) => endpoints.every(({ targetRef }) => targetRef?.uid === uid))
    .map(emptying);
}

function judge(
  state: AgentState,
  view: RouteView,
  service: RouteService,
): Omit<RouteReport, 'service' | 'kind'> {
  const ip = selfPod(state)?.ip ?? null;
  const problem =
    ip === null ? 'this pod has no address yet' : serviceProblem(service, view.group, ip);
  if (problem !== null || ip === null) return { ok: false, detail: problem ?? '' };
  if (view.slices === null) return { ok: false, detail: 'its EndpointSlice was not read yet' };
  const name = sliceName(service.name, familyOf(ip));
  const slice = view.slices.find((each) => each.name === name);
  if (slice === undefined) return { ok: false, detail: `the EndpointSlice ${name} is not there` };
  const targets = slice.endpoints.map(({ targetRef }) => targetRef ?? {});
  const pods = (state.pods ?? []).filter(({ uid }) => targets.some((target) => target.uid === uid));
  const ports = portProblem(service, { ...view, pods });
  if (ports !== null) return { ok: false, detail: ports };
  const strangers = view.strangers.get(service.name) ?? [];
  if (strangers.length > 0) {
    // A Service whose selector was taken off keeps what its selector had found, for ever.
    const names = strangers.join(', ');
    return { ok: false, detail: `leads also where EndpointSlice ${names} says: delete it` };
  }
  const holder = leaseOf(state)?.holder ?? null;
  const isMaster = targets.length === 1 && targets[0]?.uid === holder?.uid;
  const detail = `leads to ${targets.length === 0 ? 'nobody' : names(targets)}`;
  if (service.route === 'master') {
    return isMaster ? { ok: true, detail } : { ok: false, detail: `${detail}, not to the master` };
  }
  if (isMaster) return { ok: true, detail: `${detail}, the master: no replica is in sync` };
  return { ok: targets.length > 0, detail };
}

/**
 * Every Service of the group with a fast route, and those that name no group. `troubleOf`: what
 * keeps the slice of that name from being read or written, or null.
 */
export function routeReports(
  state: AgentState,
  view: RouteView,
  troubleOf: (slice: string) => string | null,
): readonly RouteReport[] {
  const family = familyOf(selfPod(state)?.ip ?? '');
  return (view.services ?? [])
    .filter(({ group }) => group === null || group === view.group)
    .map((service) => {
      const judged = judge(state, view, service);
      const trouble = troubleOf(sliceName(service.name, family));
      const told =
        trouble === null ? judged : { ok: false, detail: `${judged.detail}; ${trouble}` };
      return { service: service.name, kind: 'fast', ...told };
    });
}
