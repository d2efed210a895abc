// Whatever the server or a stranger sends, the answer is a well-formed review or a clear refusal.

import * as fc from 'fast-check';
import { test } from 'tap';
import { type Reviewed, review } from '../../webhook/review.ts';
import { CORE, NAMESPACE, redisPod } from './webhook-fixtures.ts';
import { likelyPod, pod } from './webhook-pods.ts';

const CONTEXT = { core: CORE, namespaceFacts: (name: string) => ({ ...NAMESPACE, name }) };

function envelope(request: object): object {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
}

function podRequest(object: unknown, more: object = {}): object {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  return envelope({ uid: 'u1', kind, namespace: 'shop', operation: 'CREATE', object, ...more });
}

function responseOf(result: Reviewed) {
  if (!result.ok) throw new Error(result.message);
  return result.answer.response;
}

void test('a Redis pod is answered with a patch and the uid of the request', async (t) => {
  const response = responseOf(review(podRequest(redisPod()), CONTEXT));
  t.equal(response.uid, 'u1');
  t.equal(response.allowed, true);
  t.equal(response.patchType, 'JSONPatch');
  const patch: unknown = JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString());
  t.ok(Array.isArray(patch));
});

void test('what is no review of version 1 is refused as a bad request', async (t) => {
  const bodies = [
    undefined,
    null,
    [],
    'text',
    {},
    { kind: 'AdmissionReview' },
    { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1beta1', request: { uid: 'x' } },
    envelope({}),
    envelope({ uid: '' }),
  ];
  for (const body of bodies) t.equal(review(body, CONTEXT).ok, false, JSON.stringify(body));
});

void test('other kinds, other operations and reviews without an object are allowed', async (t) => {
  for (const body of [
    envelope({ uid: 'u1' }),
    podRequest(undefined),
    podRequest(redisPod(), { operation: 'UPDATE' }),
    podRequest(redisPod(), { kind: { group: 'apps', kind: 'Pod' } }),
  ]) {
    const response = responseOf(review(body, CONTEXT));
    t.same(response, { uid: 'u1', allowed: true });
  }
});

void test('the namespace of the request counts, not that of the object', async (t) => {
  const context = {
    core: CORE,
    namespaceFacts: (name: string) => ({ name, isEnabled: true, isReady: name === 'shop' }),
  };
  const pod = redisPod(
    {},
    { metadata: { name: '', generateName: 'redis-', labels: { app: 'redis' } } },
  );
  t.equal(responseOf(review(podRequest(pod), context)).allowed, true);
  const other = responseOf(review(podRequest(pod, { namespace: 'new' }), context));
  t.equal(other.allowed, false);
  t.equal(other.status?.code, 503);
  t.match(other.status?.message, /namespace new is being prepared/);
});

void test('what cannot be the name of a namespace is no review', async (t) => {
  for (const namespace of ['', '.', '..', 'a/b', 'A', 'a.b', 'x'.repeat(64), undefined, 7]) {
    t.match(review(podRequest(redisPod(), { namespace }), CONTEXT), {
      ok: false,
      message: 'request.namespace is no name of a namespace',
    });
  }
  t.ok(review(podRequest(redisPod(), { namespace: 'x'.repeat(63) }), CONTEXT).ok);
});

void test('warnings are short, and a literal password is in none of them', async (t) => {
  const pod = redisPod({ args: ['--requirepass', 'hunter2', '--bind', '127.0.0.1'] });
  const response = responseOf(review(podRequest(pod), CONTEXT));
  t.equal(response.warnings?.length, 2);
  t.ok(response.warnings?.every((text) => text.length <= 120));
  t.notMatch(JSON.stringify([response.warnings, response.auditAnnotations]), /hunter2/);
});

void test('a pod of another form is refused with its field, what stands there, and the remedy', async (t) => {
  const inSpec = (spec: unknown): object => ({ metadata: { name: 'redis-0' }, spec });
  const inRedis = (fields: object): object =>
    inSpec({ containers: [{ name: 'redis', image: 'redis:7', ...fields }] });
  const cases: readonly (readonly [object, RegExp])[] = [
    [inSpec('x'), /: spec: "x" is no map\. Remedy: write a map/],
    [inSpec({ containers: 'x' }), /: spec\.containers: "x" is no list\. Remedy: write a list/],
    [inSpec({ containers: [null] }), /: spec\.containers\[0\]: null is no map/],
    [{ metadata: { labels: { app: 1 } } }, /: metadata\.labels\.app: 1 is no text/],
    [{ metadata: { ownerReferences: [1] } }, /: metadata\.ownerReferences\[0\]: 1 is no map/],
    [inRedis({ ports: [{ containerPort: 0 }] }), /ports\[0\]\.containerPort: 0 is no valid number/],
    [inRedis({ resources: 'many' }), /: spec\.containers\[0\]\.resources: "many" is no map/],
    [
      inSpec({ containers: [], volumes: [{ name: 'a', projected: { sources: [1] } }] }),
      /sources\[0\]: 1 is/,
    ],
    [
      inRedis({ volumeMounts: [{ name: 'a' }] }),
      /volumeMounts\[0\]\.mountPath: is missing\. Remedy/,
    ],
    [inSpec({ containers: [{ image: 'redis' }] }), /: spec\.containers\[0\]\.name: is missing/],
    [inSpec({ securityContext: { fsGroup: 'a' } }), /fsGroup: "a" is no valid number/],
  ];
  for (const [pod, message] of cases) {
    const { allowed, status } = responseOf(review(podRequest(pod), CONTEXT));
    t.equal(allowed, false);
    t.match(status, { code: 422, reason: 'Invalid', message });
    t.match(status?.message, /\. Remedy: [^.]+\.$/);
  }
  const secret = inRedis({ args: '--requirepass hunter2', env: [{ name: 'A', value: 4711 }] });
  t.notMatch(responseOf(review(podRequest(secret), CONTEXT)).status?.message, /hunter2|4711/);
});

/** With another value at the place that `pick` names, from 0 to 1. */
function withOdd(value: unknown, pick: number, odd: unknown): unknown {
  const places: [holder: Record<string, unknown>, key: string][] = [];
  const copy = structuredClone(value);
  const visit = (holder: unknown): void => {
    if (typeof holder !== 'object' || holder === null) return;
    for (const [key, inner] of Object.entries(holder)) {
      places.push([holder as Record<string, unknown>, key]);
      visit(inner);
    }
  };
  visit(copy);
  const place = places[Math.floor(pick * places.length)];
  if (place !== undefined) place[0][place[1]] = odd;
  return copy;
}

void test('one odd value anywhere in a pod is answered by name, never by a 500', async (t) => {
  const odd = fc.constantFrom(null, 1, -1, 'x', true, [], {}, [null], [1], { a: null }, { a: 1 });
  fc.assert(
    fc.property(fc.oneof(pod, likelyPod), fc.double({ min: 0, max: 0.999 }), odd, (...args) => {
      const result = review(podRequest(withOdd(...args)), CONTEXT);
      return result.ok && result.answer.response.status?.code !== 500;
    }),
    { numRuns: 4000, seed: 20_261_128 },
  );
  t.pass('4,000 pods');
});

void test('no JSON makes it throw', async (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (spec, metadata) => {
      const result = review(podRequest({ spec, metadata }), CONTEXT);
      if (!result.ok || result.answer.response.status?.code === 500) return false;
      return typeof result.answer.response.allowed === 'boolean';
    }),
    { numRuns: 2000, seed: 7 },
  );
  const odd = { containers: [null, { name: 1, image: {}, args: 'x', env: [null] }] };
  t.equal(review(podRequest({ spec: odd }), CONTEXT).ok, true);
});
