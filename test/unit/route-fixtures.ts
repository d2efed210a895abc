// A group of three as the fast route sees it: redis-0 leads, redis-1 and redis-2 may follow.

import type { AgentState, Instance, PodView } from '../../agent/core/model.ts';
import { reportOf } from '../../agent/core/report.ts';
import type { RouteView } from '../../agent/core/route.ts';
import type { RouteService } from '../../agent/core/slice.ts';
import { initialState } from '../../agent/core/step.ts';
import { EMPTY_RECORD } from '../../agent/core/view.ts';
import type { AgentReport } from '../../src/wire.ts';
import { config, limbo, pod } from './core-fixtures.ts';

const master: Instance = { ...limbo, role: 'master', upstream: null };
const NOW = 100_000;

export function service(changes: Partial<RouteService> = {}): RouteService {
  return {
    name: 'redis',
    uid: 'service-uid',
    group: 'redis',
    route: 'master',
    isExternalName: false,
    hasSelector: false,
    isHeadless: false,
    families: ['IPv4'],
    ports: [{ name: 'redis', protocol: 'TCP', appProtocol: null, target: 6379 }],
    ...changes,
  };
}

export function view(
  services: readonly RouteService[],
  changes: Partial<RouteView> = {},
): RouteView {
  const place = { node: 'node-1', ports: { redis: 6379 } };
  const places = new Map(['u0', 'u1', 'u2'].map((uid) => [uid, place]));
  return {
    namespace: 'shop',
    group: 'redis',
    services,
    slices: [],
    strangers: new Map(),
    places,
    ...changes,
  };
}

/** The pod `n` leads its group: open, valid, in its term for a while. */
export function leader(n = 0, pods: readonly PodView[] = [pod(0), pod(1), pod(2)]): AgentState {
  const self = {
    pod: `redis-${n}`,
    uid: `u${n}`,
    agentId: 'b',
    volume: `u${n}`,
    address: `10.0.0.${n}`,
  };
  return {
    ...initialState({ ...config, self }, 0),
    now: NOW,
    phase: 'Leading',
    phaseSince: NOW - 60_000,
    redis: { reachable: true, instance: master, seenAt: NOW },
    lease: {
      kind: 'present',
      unchangedSince: NOW,
      lease: {
        resourceVersion: '1',
        holder: self,
        term: 1,
        renewTime: 'r',
        force: null,
        record: EMPTY_RECORD,
      },
    },
    pods,
    validUntil: NOW + 1000,
  };
}

/** The same, where redis-`n` told of itself just now. */
export function hearing(state: AgentState, n: number, told: Partial<AgentReport>): AgentState {
  const self = {
    pod: `redis-${n}`,
    uid: `u${n}`,
    agentId: `p${n}`,
    volume: `u${n}`,
    address: `10.0.0.${n}`,
  };
  const base = reportOf(initialState({ ...config, self }, 0), {
    namespace: 'shop',
    group: 'redis',
    podIP: `10.0.0.${n}`,
    version: '0',
    clockMs: 0,
    epochOffsetMs: 0,
    lastDecision: null,
    route: [],
    apiRequests: 0,
  });
  const peer = { report: { ...base, ...told }, startedEpochMs: 0, at: state.now, since: state.now };
  return { ...state, peers: new Map([...state.peers, [`u${n}`, peer]]) };
}

export const inSync: Partial<AgentReport> = { role: 'replica', inSync: true };
