// Every patched pod is valid against the API server's own schema: its OpenAPI document, taken from a real one and
// closed to fields that it does not know, as the server itself is with fieldValidation=Strict. What no schema says
// (restricted Pod Security, names that must fit together) is judged by webhook-golden-pods.test.ts.

import { Ajv } from 'ajv';
import * as fc from 'fast-check';
import { t as file, test } from 'tap';
import { decide } from '../../webhook/core/decide.ts';
import type { Pod } from '../../webhook/core/pod.ts';
import { goldenPods } from '../golden-pods/list.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { Workspace } from '../harness/workspace.ts';
import { CORE, NAMESPACE, patchedBy } from '../unit/webhook-fixtures.ts';
import { likelyPod, pod } from '../unit/webhook-pods.ts';

/** More for a thorough run: npm run property:webhook. */
const RUNS = Number(process.env['RO_PROPERTY_RUNS'] ?? '8000');

type Schema = { properties?: unknown; additionalProperties?: unknown };
type Document = { readonly components: { readonly schemas: Readonly<Record<string, Schema>> } };

const workspace = new Workspace();
file.teardown(async () => await workspace.close());
const { admin } = await startControlPlane(workspace);
const { components } = await admin.get<Document>('/openapi/v3/api/v1');
for (const schema of Object.values(components.schemas)) {
  if (schema.properties !== undefined) schema.additionalProperties ??= false;
}
// Formats are widths of numbers and kinds of text for code generators.
const formats = {
  int32: true,
  int64: true,
  double: true,
  byte: true,
  'date-time': true,
  'int-or-string': true,
} as const;
const ajv = new Ajv({ strict: false, formats });
ajv.addSchema({ $id: 'core', components });
const isPod = ajv.getSchema('core#/components/schemas/io.k8s.api.core.v1.Pod');
if (isPod === undefined) throw new Error('the API server has no schema of a Pod');

/** The server reads null as nothing, which the schema does not say. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) =>
      inner === null ? [] : [[key, withoutNulls(inner)]],
    ),
  );
}

function faultOf(value: object): string | undefined {
  return isPod?.(withoutNulls(value)) === true ? undefined : ajv.errorsText(isPod?.errors);
}

function patched(original: Pod, nativeSidecar: boolean): Pod | undefined {
  const decision = decide(original, NAMESPACE, { ...CORE, nativeSidecar });
  return decision.kind === 'inject' ? patchedBy(original, decision.plan) : undefined;
}

void test('the judge itself: what the server would refuse is seen', async (t) => {
  const [{ pod: golden } = { pod: {} }] = goldenPods();
  t.equal(faultOf(golden), undefined);
  const spoil: Readonly<Record<string, (agent: Record<string, unknown>) => void>> = {
    'an unknown field': (agent) => (agent['comand'] = []),
    'a number as text': (agent) => (agent['ports'] = [{ containerPort: '8080' }]),
    'a text as number': (agent) => (agent['env'] = [{ name: 'A', value: 1 }]),
    'a missing name': (agent) => delete agent['name'],
  };
  for (const [what, change] of Object.entries(spoil)) {
    const whole = patched(golden, true);
    change((whole?.spec?.initContainers?.at(-1) ?? {}) as Record<string, unknown>);
    t.type(faultOf(whole ?? {}), 'string', what);
  }
});

void test('every patched pod is valid by the schema of the API server', {
  timeout: 1_800_000,
}, async (t) => {
  let injected = 0;
  fc.assert(
    fc.property(fc.oneof(pod, likelyPod), fc.boolean(), (original, nativeSidecar) => {
      const before = faultOf(original);
      if (before !== undefined) throw new Error(`the pod itself: ${before}`);
      const whole = patched(original, nativeSidecar);
      if (whole === undefined) return;
      injected++;
      const fault = faultOf(whole);
      if (fault !== undefined) throw new Error(fault);
    }),
    { numRuns: RUNS, seed: 20_261_129 },
  );
  for (const { name, pod: golden } of goldenPods()) {
    for (const nativeSidecar of [true, false]) {
      t.equal(faultOf(patched(golden, nativeSidecar) ?? {}), undefined, name);
    }
  }
  t.comment(`${injected} of ${RUNS} pods were injected`);
  t.ok(injected > RUNS / 10, `${injected} pods were injected`);
});
