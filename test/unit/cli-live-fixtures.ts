// A cluster as the live commands see it, without one: three pods of a group whose agents agree, until a test
// changes something; and a screen and a clock that nobody waits for.

import type { Answer, Cluster, Question } from '../../cli/live/cluster.ts';
import { type RecordedTerm, termOf } from '../../src/annotation-fields.ts';
import type { Console } from '../../cli/live/context.ts';
import { run } from '../../cli/run.ts';
import type { GroupFacts } from '../../src/group-facts.ts';
import { groupView } from '../../src/group-view.ts';
import { isMap } from '../../src/json.ts';
import { PAUSE_ANNOTATION, RECORD_ANNOTATION, REQUEST_ANNOTATION } from '../../src/names.ts';
import type { AgentReport, InstanceReport } from '../../src/wire.ts';
import { memberFacts } from '../harness/member-facts.ts';

export const NOW = '2026-01-31T12:00:00.000Z';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/shop/leases';
const PODS = '/api/v1/namespaces/shop/pods';

const instance: InstanceReport = {
  runId: 'run',
  version: '7.0.15',
  replid: 'bbb',
  replid2: 'aaa',
  secondOffset: 1,
  offset: 88_120_415,
  priority: 100,
  keys: 3,
  loading: false,
  syncing: false,
  linkUp: true,
  aof: false,
  unwritable: null,
  upstream: null,
};

export function report(n: number, changes: Partial<AgentReport> = {}): AgentReport {
  const isMaster = changes.isMaster ?? n === 0;
  return {
    podName: `redis-${n}`,
    podIP: `10.0.0.${n}`,
    podUID: `u${n}`,
    namespace: 'shop',
    isMaster,
    isHealthy: true,
    startupTime: null,
    lastSeen: null,
    protocol: 1,
    agentId: `a${n}`,
    clockMs: 1,
    version: '0.1.0',
    group: 'redis',
    role: isMaster ? 'master' : 'replica',
    state: isMaster ? 'Leading' : 'Following',
    term: 14,
    offset: 88_120_415,
    lagBytes: 0,
    holder: 'redis-0',
    frozenTerm: null,
    finalOffset: null,
    volume: `v${n}`,
    leaving: false,
    inSync: !isMaster,
    refused: false,
    instance,
    failsafeRound: 0,
    promise: null,
    lastDecision: null,
    problem: null,
    weaknesses: [],
    request: null,
    paused: null,
    route: [{ service: 'redis', kind: 'label', ok: true, detail: 'selects redis-role=master' }],
    apiRequests: 1,
    peers: [],
    ...changes,
  };
}

const HISTORY = [
  { term: 13, holder: 'redis-2', reason: 'the first master', at: '2026-01-01T00:00:00Z' },
  {
    term: 14,
    holder: 'redis-0',
    reason: 'switchover asked for by alice',
    at: '2026-01-28T10:00:00Z',
    request: 'r13',
    details: {
      among: [
        { pod: 'redis-0', offset: 87_000_000 },
        { pod: 'redis-1', offset: 0, problem: 'it is loading its dataset' },
      ],
      rule: 'redis-0 has the smaller name among equals',
      kind: 'planned',
      pauseMs: 4,
      lostBytes: 0,
    },
  },
] as const satisfies readonly RecordedTerm[];

function facts(reports: readonly AgentReport[]): GroupFacts {
  const master = reports.find(({ isMaster }) => isMaster);
  const members = reports.map((each, n) =>
    memberFacts(n, each, {
      pod: each.podName,
      uid: each.podUID,
      address: each.podIP,
      node: 'node-a',
    }),
  );
  return {
    namespace: 'shop',
    group: 'redis',
    at: NOW,
    lease: {
      holder: 'redis-0',
      holderUid: 'u0',
      term: 14,
      ageMs: 400,
      waitMs: 4000,
      profile: 'balanced',
      history: HISTORY.map(termOf),
      opened: [13, 14],
    },
    members,
    succession: reports
      .filter(({ isMaster }) => !isMaster)
      .map(({ podName, inSync }) => ({ pod: podName, problem: inSync ? null : 'it lacks data' })),
    route: reports[0]?.route ?? [],
    paused: master?.paused ?? null,
    promotion: { term: 14, kind: 'planned', pauseMs: 4.2 },
  };
}

export class FakeCluster {
  reports: AgentReport[] = [report(0), report(1, { offset: 88_020_415 }), report(2)];
  /** Rights that are refused, as the verb and the resource. */
  readonly denied = new Set<string>();
  /** Names of pods whose agents do not answer. */
  readonly silent = new Set<string>();
  readonly requests: { path: string; body: unknown }[] = [];
  events: unknown[] = [];
  hasLease = true;
  hasNamespace = true;
  /** What stands on the Lease of requests. */
  pauseText: string | null = null;
  /** False: pods of a hand-written sidecar, whose label says nothing of a group. */
  isLabelled = true;
  /** What an agent makes of what stands on the Lease of requests. */
  onRequest: (kind: 'request' | 'pause', text: string | null) => void = () => undefined;

  forwards = 0;

  view() {
    return groupView(facts(this.reports));
  }

  private lease(): unknown {
    const record = { history: HISTORY, lineage: [{ term: 13 }, { term: 14 }] };
    return {
      metadata: {
        name: 'redis-orchestrator-redis',
        namespace: 'shop',
        annotations: { [RECORD_ANNOTATION]: JSON.stringify(record) },
      },
      spec: {
        holderIdentity: 'redis-0_u0_a0',
        leaseTransitions: 14,
        renewTime: '2026-01-31T11:59:59.000000Z',
        leaseDurationSeconds: 4,
      },
    };
  }

  private pod({ podName, podUID, podIP, isMaster }: AgentReport): unknown {
    const ports = [{ name: 'ro-http', containerPort: 8080 }];
    return {
      metadata: {
        name: podName,
        uid: podUID,
        namespace: 'shop',
        labels: {
          'redis-orchestrator.io/group': 'redis',
          'redis-role': isMaster ? 'master' : 'replica',
        },
        ownerReferences: [{ kind: 'StatefulSet', name: 'redis', controller: true }],
      },
      spec: {
        nodeName: 'node-a',
        initContainers: [{ name: 'redis-orchestrator', ports }],
        containers: [{ name: 'redis' }],
      },
      status: { phase: 'Running', podIP },
    };
  }

  private answer({ path, method = 'GET', body }: Question): unknown {
    const [place = ''] = path.split('?');
    if (place.endsWith('/selfsubjectreviews'))
      return { status: { userInfo: { username: 'alice' } } };
    if (place.includes('/leases/redis-orchestrator.request.')) {
      if (method !== 'GET') return this.ask(path, body);
      return (
        this.pauseText !== null && {
          metadata: { annotations: { [PAUSE_ANNOTATION]: this.pauseText } },
        }
      );
    }
    if (method !== 'GET') return undefined;
    if (place === `${LEASES}/redis-orchestrator-redis`) return this.hasLease && this.lease();
    if (place.endsWith('/leases')) return { items: this.hasLease ? [this.lease()] : [] };
    if (place.endsWith('/pods')) {
      const isOther = /group%3D(?!redis$)/.test(path);
      return {
        items: isOther || !this.isLabelled ? [] : this.reports.map((each) => this.pod(each)),
      };
    }
    if (place.endsWith('/events')) return { items: this.events };
    if (place === '/api/v1/namespaces/shop') {
      return this.hasNamespace && { metadata: { name: 'shop' } };
    }
    const name = /\/pods\/([^/:]+):8080\/proxy\/state$/.exec(place)?.[1];
    const told = this.reports.find(({ podName }) => podName === name);
    if (told !== undefined && !this.silent.has(told.podName)) return { ...told, view: this.view() };
    const bare = this.reports.find(({ podName }) => place === `${PODS}/${podName}`);
    return bare === undefined ? undefined : this.pod(bare);
  }

  private ask(path: string, body: unknown): unknown {
    this.requests.push({ path, body });
    if (path.includes('dryRun')) return {};
    if (Array.isArray(body)) this.onRequest('request', null);
    else {
      const metadata = isMap(body) && isMap(body['metadata']) ? body['metadata'] : {};
      const annotations = isMap(metadata['annotations']) ? metadata['annotations'] : {};
      const [request, pause] = [annotations[REQUEST_ANNOTATION], annotations[PAUSE_ANNOTATION]];
      if (typeof request === 'string') this.onRequest('request', request);
      if (typeof pause !== 'string' && pause !== null) return {};
      this.pauseText = pause;
      this.onRequest('pause', pause);
    }
    return {};
  }

  readonly cluster: Cluster = {
    namespace: 'shop',
    ask: async <T>(question: Question): Promise<Answer<T>> => {
      const { verb, resource, namespace } = question.right;
      const where = namespace === null ? 'in all namespaces' : `in namespace ${namespace}`;
      if (this.denied.has(`${verb} ${resource}`)) {
        const missing = `${verb} ${resource} ${where}`;
        return { ok: false, status: 403, detail: '403 forbidden', missing };
      }
      const body = this.answer(question);
      return body === undefined || body === false
        ? { ok: false, status: 404, detail: '404 not found', missing: null }
        : { ok: true, body: body as T, serverEpochMs: Date.parse(NOW) };
    },
    forward: async (place) => {
      this.forwards++;
      const told = this.reports.find(({ podName }) => podName === place.pod);
      if (this.denied.has('create pods/portforward') || told === undefined) {
        const missing = 'create pods/portforward in namespace shop';
        return { ok: false, status: 403, detail: '403 forbidden', missing };
      }
      const body = { ...told, view: this.view() } as never;
      return { ok: true, body, serverEpochMs: Date.parse(NOW) };
    },
    close: () => undefined,
  };
}

export type Ran = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Each write by itself. */
  readonly writes: readonly string[];
};

export type RunOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
  readonly rows?: number;
  readonly columns?: number;
  readonly answer?: string;
  /** Ctrl-C after so many waits. */
  readonly endAfter?: number;
  /** At each wait. */
  readonly onSleep?: (count: number) => void;
  readonly connect?: () => Promise<Cluster>;
};

export async function ran(
  fake: FakeCluster,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const writes: string[] = [];
  const notes: string[] = [];
  const ending = new AbortController();
  let [nowMs, sleeps] = [Date.parse(NOW), 0];
  const console: Console = {
    write: (text) => void writes.push(text),
    note: (line) => void notes.push(`${line}\n`),
    isTerminal: options.isTerminal ?? false,
    size: () => ({ columns: options.columns ?? 100, rows: options.rows ?? 40 }),
    ask: options.answer === undefined ? null : async () => options.answer ?? '',
  };
  const result = await run(args, options.env ?? {}, () => Promise.reject(new Error('no file')), {
    program: 'redis-orchestrator',
    world: {
      console,
      clock: {
        now: () => nowMs,
        sleep: async (ms) => {
          nowMs += ms;
          sleeps++;
          options.onSleep?.(sleeps);
          if (options.endAfter !== undefined && sleeps >= options.endAfter) ending.abort();
        },
      },
      connect: options.connect ?? (async () => fake.cluster),
      interruption: () => ending.signal,
      user: 'me',
      newId: () => 'id-1',
    },
  });
  return {
    code: result.code,
    stdout: writes.join('') + result.stdout,
    stderr: notes.join('') + result.stderr,
    writes,
  };
}
