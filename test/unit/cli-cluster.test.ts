// The way to the API server: every request ends in time, whatever answers, and a refusal names its right.

import type { RequestListener } from 'node:http';
import { localServer } from '../harness/local-server.ts';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { connect } from '../../cli/live/kube-cluster.ts';
import type { Answer } from '../../cli/live/cluster.ts';
import { FakeCluster, ran } from './cli-live-fixtures.ts';

const RIGHT = { verb: 'list', resource: 'pods', namespace: 'shop' } as const;

/** A kubeconfig for a server that answers so; `path`: it stands below one. */
async function kubeconfig(t: Test, answer: RequestListener, path = ''): Promise<string> {
  const port = await localServer(t, answer);
  const cluster = { server: `http://127.0.0.1:${port}${path}`, 'insecure-skip-tls-verify': true };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { token: 'secret' } }],
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
    'current-context': 'here',
  };
  return join(t.testdir({ config: JSON.stringify(config) }), 'config');
}

async function asked(t: Test, answer: RequestListener, path = ''): Promise<Answer<unknown>> {
  const file = await kubeconfig(t, answer, path);
  const cluster = connect({ kubeconfig: file, context: undefined, timeoutMs: 300 });
  t.equal(cluster.namespace, 'shop', 'the namespace of the context');
  const start = performance.now();
  const told = await cluster.ask({ right: RIGHT, path: '/api/v1/namespaces/shop/pods?a=b' });
  t.ok(performance.now() - start < 2000, 'in time');
  cluster.close();
  return told;
}

await t.test(
  'an answer: with the token, below the path of the server, and its clock',
  async (t) => {
    const seen: (string | undefined)[] = [];
    const answer: RequestListener = (request, response) => {
      seen.push(request.url, request.headers.authorization);
      response.setHeader('date', 'Sat, 31 Jan 2026 12:00:00 GMT');
      response.end('{"items": []}');
    };
    t.same(await asked(t, answer, '/k8s/clusters/one'), {
      ok: true,
      body: { items: [] },
      serverEpochMs: Date.parse('2026-01-31T12:00:00Z'),
    });
    t.same(seen, ['/k8s/clusters/one/api/v1/namespaces/shop/pods?a=b', 'Bearer secret']);
  },
);

await t.test('silence, half an answer, a broken one, and one that is no JSON', async (t) => {
  const late = /^no answer from 127\.0\.0\.1:\d+ within 300ms$/;
  t.match(await asked(t, () => undefined), { ok: false, status: 0, detail: late });
  const half: RequestListener = (_request, response) => void response.write('{"items": [');
  t.match(await asked(t, half), { ok: false, status: 0, detail: late });
  const broken: RequestListener = (request) => void request.socket.destroy();
  t.match(await asked(t, broken), { ok: false, status: 0, detail: /^127\.0\.0\.1:\d+: / });
  const page: RequestListener = (_request, response) => void response.end('<html>');
  t.match(await asked(t, page), { ok: false, status: 0, detail: 'the answer is no JSON' });
});

await t.test('a refusal names the right; of an apply the verb that was missed', async (t) => {
  const forbidden = (message: string): RequestListener => {
    return (_request, response) => {
      response.statusCode = 403;
      response.end(JSON.stringify({ kind: 'Status', message }));
    };
  };
  t.match(await asked(t, forbidden('no')), { missing: 'list pods in namespace shop' });
  t.match(await asked(t, forbidden('User "x" cannot create resource "leases" in')), {
    missing: 'create pods in namespace shop',
  });
  const gone: RequestListener = (_request, response) => {
    response.statusCode = 404;
    response.end('{"message": "pods \\"a\\" not found"}');
  };
  t.match(await asked(t, gone), { status: 404, missing: null, detail: /404 pods "a" not found/ });
});

await t.test('without a kubeconfig, or with another context, it says what to do', async (t) => {
  const file = await kubeconfig(t, () => undefined);
  const real = async (args: readonly string[]) =>
    await ran(new FakeCluster(), ['status', ...args], {
      connect: async () =>
        connect({
          kubeconfig: args[1],
          context: args[3],
          timeoutMs: 300,
        }),
    });
  const missing = await real(['--kubeconfig', '/nonexistent/config']);
  t.match(missing, { code: 1, stderr: /no way to the API server: .*ENOENT.* Remedy: Name one by/ });
  const other = await real(['--kubeconfig', file, '--context', 'there']);
  t.match(other, { code: 1, stderr: /there is no context there, but here\. Remedy: / });
});
