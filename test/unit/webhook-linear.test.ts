// A pod that is n times as large takes about n times as long, and the patch grows by what it must remove alone:
// istio 44933 (1500 env entries took 15 s), for everything in a pod that there can be many of.

import { test } from 'tap';
import { decide } from '../../webhook/core/decide.ts';
import { toPatch } from '../../webhook/core/patch.ts';
import type { Container, Pod } from '../../webhook/core/pod.ts';
import { CORE, NAMESPACE, redisPod } from './webhook-fixtures.ts';

/** A request to the API server may have 3 MiB: no list of a pod is longer than the larger one. */
const SMALL = 5000;
const LARGE = 20_000;
/** Four times as many take four times as long; sixteen times is quadratic. The machine is not alone. */
const RATIO_MAX = 9;
/** Below this the clock tells nothing. */
const NOISE_MS = 20;
const TRIES = 3;

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

function many<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

function mapOf(count: number, prefix: string): Record<string, string> {
  return Object.fromEntries(many(count, (at) => [`${prefix}${at}`, 'x']));
}

function withVolumes(container: Partial<Container>, names: readonly string[]): Pod {
  const volumes = names.map((name) => ({ name, emptyDir: {} }));
  return { spec: { containers: [{ name: 'redis', image: 'redis:7', ...container }], volumes } };
}

type Shape = {
  readonly pod: (count: number) => Pod;
  /** Operations for each of many; none unless there is something to remove. */
  readonly grows?: 1;
};

const SHAPES: Readonly<Record<string, Shape>> = {
  variables: { pod: (n) => redisPod({ env: many(n, (at) => ({ name: `V${at}`, value: 'x' })) }) },
  'variables that refer to each other': {
    pod: (n) =>
      redisPod({
        args: ['--port', `$(V${n - 1})`, '--requirepass', `$(V${n - 1})`],
        env: many(n, (at) => ({ name: `V${at}`, value: at === 0 ? '1' : `$(V${at - 1})` })),
      }),
  },
  'references in a password and a port': {
    pod: (n) => {
      const text = many(n, (at) => `$(V${at})`).join('');
      return redisPod({
        args: ['--requirepass', text, '--port', text],
        env: many(n, (at) => ({ name: `V${at}`, value: 'x' })),
        envFrom: many(n, (at) => ({ prefix: `P${at}`, secretRef: { name: `s${at}` } })),
      });
    },
  },
  'sources of variables': {
    pod: (n) =>
      redisPod({
        args: ['--requirepass', '$(PASS)'],
        envFrom: many(n, (at) => ({ secretRef: { name: `s${at}` } })),
      }),
  },
  ports: {
    pod: (n) => redisPod({ ports: many(n, (at) => ({ containerPort: 40_000 + (at % 9000) })) }),
  },
  'containers and their tokens': {
    grows: 1,
    pod: (n) => {
      const volumeMounts = [{ name: 'kube-api-access-abcde', mountPath: TOKEN_PATH }];
      const beside = many(n, (at) => ({ name: `exporter${at}`, image: 'x', volumeMounts }));
      const containers = [{ name: 'redis', image: 'redis:7' }, ...beside];
      return { spec: { containers, volumes: [{ name: 'kube-api-access-abcde' }] } };
    },
  },
  'init containers': {
    pod: (n) =>
      redisPod(
        {},
        {
          spec: {
            ...redisPod().spec,
            initContainers: many(n, (at) => ({ name: `init${at}`, image: 'x', args: ['a'] })),
          },
        },
      ),
  },
  'volumes and mounts': {
    pod: (n) => {
      const names = many(n, (at) => `v${at}`);
      const volumeMounts = names.map((name) => ({ name, mountPath: `/${name}` }));
      return withVolumes({ args: ['/v1/redis.conf'], volumeMounts }, names);
    },
  },
  labels: { pod: (n) => redisPod({}, { metadata: { labels: mapOf(n, 'l') } }) },
  annotations: { pod: (n) => redisPod({}, { metadata: { annotations: mapOf(n, 'a/') } }) },
  'annotations that nothing knows': {
    pod: (n) => redisPod({}, { metadata: { annotations: mapOf(n, 'redis-orchestrator.io/x') } }),
  },
  arguments: { pod: (n) => redisPod({ args: many(n, (at) => `--x${at}`) }) },
  'words of a shell': {
    pod: (n) =>
      redisPod({
        command: ['sh', '-c', `redis-server ${many(n, (at) => `--x${at} y`).join(' ')}`],
      }),
  },
  'lines of a script': {
    pod: (n) => redisPod({ command: ['sh', '-c', `${'echo redis\n'.repeat(n)}exec redis-server`] }),
  },
  'owner references': {
    pod: (n) =>
      redisPod(
        {},
        { metadata: { ownerReferences: many(n, (at) => ({ kind: 'X', name: `o${at}` })) } },
      ),
  },
};

function measured(pod: Pod): { operations: number; ms: number } {
  let ms = Number.POSITIVE_INFINITY;
  let operations = 0;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const start = process.cpuUsage();
    const decision = decide(pod, NAMESPACE, CORE);
    if (decision.kind !== 'inject') throw new Error(JSON.stringify(decision).slice(0, 200));
    operations = toPatch(pod, decision.plan).length;
    // Of the processor: the machine has others to serve.
    ms = Math.min(ms, process.cpuUsage(start).user / 1000);
  }
  return { operations, ms };
}

for (const [what, { pod, grows = 0 }] of Object.entries(SHAPES)) {
  void test(`many ${what}: linear in time, and the patch does not grow without need`, async (t) => {
    const [small, large] = [measured(pod(SMALL)), measured(pod(LARGE))];
    const ratio = large.ms / Math.max(small.ms, NOISE_MS);
    t.comment(
      `${small.ms.toFixed(1)} ms, ${large.ms.toFixed(1)} ms; ${large.operations} operations`,
    );
    t.ok(
      ratio < RATIO_MAX,
      `${(LARGE / SMALL).toFixed(0)} times as many: ${ratio.toFixed(1)} times as long`,
    );
    t.equal(large.operations - small.operations, grows * (LARGE - SMALL), 'operations');
  });
}

void test('nothing is replaced or removed but a shell text that grows and the automatic token', async (t) => {
  const ops = (each: Pod): Record<string, number> => {
    const decision = decide(each, NAMESPACE, CORE);
    if (decision.kind !== 'inject') throw new Error(decision.kind);
    const counts: Record<string, number> = {};
    for (const { op } of toPatch(each, decision.plan)) counts[op] = (counts[op] ?? 0) + 1;
    return counts;
  };
  t.same(Object.keys(ops(redisPod())), ['add']);
  t.same(Object.keys(ops(redisPod({ args: ['--port', '1'], env: [], volumeMounts: [] }))), ['add']);
  t.equal(ops(redisPod({ command: ['sh', '-c', 'redis-server'] }))['replace'], 1);
  t.equal(ops(SHAPES['containers and their tokens']?.pod(2) ?? {})['remove'], 3);
});

void test('a password of more variables than are copied is told, and one of a long chain is whole', async (t) => {
  const chain = (length: number): Pod =>
    redisPod({
      args: ['--requirepass', `$(V${length - 1})`],
      env: many(length, (at) => ({ name: `V${at}`, value: at === 0 ? 'x' : `$(V${at - 1})` })),
    });
  const codes = (pod: Pod): readonly string[] => {
    const decision = decide(pod, NAMESPACE, CORE);
    return decision.kind === 'inject' ? decision.warnings.map(({ code }) => code) : [decision.kind];
  };
  t.same(codes(chain(20)), []);
  const decision = decide(chain(20), NAMESPACE, CORE);
  const env = decision.kind === 'inject' ? (decision.plan.agent.env ?? []) : [];
  t.ok(
    env.some(({ name, value }) => name === 'REDIS_PASSWORD' && value === 'x'),
    'down to the first',
  );
  t.same(codes(chain(5000)), ['password-unknown']);
});
