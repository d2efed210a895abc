// Whatever the server or a stranger sends, the answer is a well-formed review or a clear refusal.

import * as fc from 'fast-check';
import { test } from 'tap';
import { type Reviewed, review } from '../../webhook/review.ts';
import { CORE, NAMESPACE, redisPod } from './webhook-fixtures.ts';

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

void test('warnings are short, and a literal password is in none of them', async (t) => {
  const pod = redisPod({ args: ['--requirepass', 'hunter2', '--bind', '127.0.0.1'] });
  const response = responseOf(review(podRequest(pod), CONTEXT));
  t.equal(response.warnings?.length, 2);
  t.ok(response.warnings?.every((text) => text.length <= 120));
  t.notMatch(JSON.stringify([response.warnings, response.auditAnnotations]), /hunter2/);
});

void test('no JSON makes it throw', async (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (spec, metadata) => {
      const result = review(podRequest({ spec, metadata }), CONTEXT);
      return result.ok && typeof result.answer.response.allowed === 'boolean';
    }),
    { numRuns: 2000, seed: 7 },
  );
  const odd = { containers: [null, { name: 1, image: {}, args: 'x', env: [null] }] };
  t.equal(review(podRequest({ spec: odd }), CONTEXT).ok, true);
});
