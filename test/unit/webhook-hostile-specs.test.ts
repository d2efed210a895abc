// Tokens, resources, owners, volumes, groups and networks of pods that were read wrongly once: each by what
// went wrong.

import { test } from 'tap';
import { type Container, list, type Pod, type Volume } from '../../webhook/core/pod.ts';
import { environment, isInjected, type Read, read } from './webhook-read.ts';

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const AUTOMATIC = { name: 'kube-api-access-ab12c', mountPath: TOKEN_PATH, readOnly: true };
const GROUP = 'redis-orchestrator.io/group';

void test('a file in the folder of the token: two mounts at one path, and none for Redis', async (t) => {
  const args = ['--port', '0', '--tls-port', '6379', '--tls-auth-clients', 'no'];
  const caFile = `${TOKEN_PATH}/ca.crt`;
  const how = read(
    { args: [...args, '--tls-ca-cert-file', caFile], volumeMounts: [AUTOMATIC] },
    { volumes: [{ name: AUTOMATIC.name, projected: { sources: [] } }] },
  );
  isInjected(t, how, 'it is Redis');
  const paths = list(how.agent?.volumeMounts).map(({ mountPath }) => mountPath);
  t.same(paths, [TOKEN_PATH], 'its own token has the file, too');
  t.equal(environment(how)['RO_REDIS_TLS_CA'], caFile);
  t.same(how.redis?.volumeMounts, [AUTOMATIC], 'Redis keeps its mount');
  t.same(how.codes, ['token-shared'], 'and that is told');
  const own = read({
    args: [...args, '--tls-ca-cert-file', caFile],
    volumeMounts: [{ name: 'mine', mountPath: TOKEN_PATH }],
  });
  t.same(own.codes, ['tls-files-hidden'], 'another file of that name is not the same');
  const above = read({
    args: [...args, '--tls-ca-cert-file', '/var/run/secrets/ca.crt'],
    volumeMounts: [{ name: 'tls', mountPath: '/var/run/secrets' }],
  });
  t.same(
    list(above.agent?.volumeMounts).length,
    1,
    'nothing above the token, where it is read-only',
  );
  t.ok(above.codes.includes('tls-files-hidden'));
});

void test('resources of the whole pod: the API server refused what the agent asked for', async (t) => {
  const resources = { requests: { cpu: '100m', memory: '64Mi' } };
  const inPod = (ofPod: object, native: Partial<Container> = { resources }): Read =>
    read(native, { resources: ofPod as Record<string, unknown> });
  const agentOf = ({ agent }: Read): unknown => agent?.resources;
  const BOTH = {
    requests: { cpu: '25m', memory: '96Mi' },
    limits: { cpu: '1', memory: '192Mi' },
  };
  t.same(agentOf(inPod({ requests: { cpu: '1', memory: '1Gi' } })), BOTH, 'there is room');
  t.same(agentOf(inPod({ limits: { cpu: '2', memory: '1Gi' } }, {})), BOTH, 'nobody asks yet');
  const full = inPod({ requests: { cpu: '100m', memory: '64Mi' } });
  t.same(agentOf(full), {});
  t.same(full.codes, ['resources-shared']);
  t.match(full.texts[0], /no cpu and memory for the agent/);
  t.same(full.after.spec?.resources, { requests: { cpu: '100m', memory: '64Mi' } }, 'as it was');
  const memory = inPod({ requests: { cpu: '1', memory: '100Mi' } });
  t.same(agentOf(memory), { requests: { cpu: '25m' }, limits: { cpu: '1' } }, 'one of them');
  const low = inPod({ limits: { cpu: '500m', memory: '1Gi' } }, {});
  t.same(
    agentOf(low),
    { ...BOTH, limits: { memory: '192Mi' } },
    "the pod's limit is the lower one",
  );
  t.same(low.codes, []);
  // The API server fills in what containers ask for as the pod's request, before the webhook is asked.
  t.same(agentOf(inPod({ limits: { cpu: '2', memory: '1Gi' } })), {});
});

void test('tokens that companions and init containers lost without a word', async (t) => {
  const init = { name: 'setup', image: 'corp/kubectl' };
  const exporter = { name: 'metrics', image: 'oliver006/redis_exporter' };
  const redis = { name: 'redis', image: 'redis:7' };
  const inPod = (spec: Partial<Pod['spec']>): readonly string[] =>
    read({}, spec).texts.filter((text) => text.includes('API token'));
  const all = { initContainers: [init], containers: [redis, exporter] };
  t.match(inPod(all), [/^metrics, setup: no API token/]);
  t.same(inPod({ ...all, automountServiceAccountToken: false }), [], 'they had none');
  t.same(inPod({ ...all, automountServiceAccountToken: true }), [], 'they keep it');
  t.same(inPod({ ...all, serviceAccountName: 'mine' }), [], 'they keep it');
  t.same(inPod({}), [], 'a plain Redis');
  const own = { ...exporter, volumeMounts: [{ name: 'own', mountPath: TOKEN_PATH }] };
  t.same(inPod({ containers: [redis, own] }), [], 'one of its own');
  const live = { containers: [redis, { ...exporter, volumeMounts: [AUTOMATIC] }, own] };
  t.match(inPod(live), [/^metrics: no API token/]);
  const script = ['sh', '-c', 'kubectl get pods; exec redis-server'];
  t.match(inPod({ containers: [{ ...redis, command: script }] }), [/^redis: no API token/]);
});

void test("another operator's pods that belong to no kind called Redis", async (t) => {
  const owned = (metadata: Partial<Pod['metadata']>): readonly string[] =>
    read({}, {}, metadata).codes;
  const labels = { 'app.kubernetes.io/managed-by': 'kubedb.com' };
  t.same(owned({ labels }), ['owned-operator']);
  const owner = { name: 'x', controller: true };
  for (const [apiVersion, kind] of [
    ['apps.k8s.appscode.com/v1', 'PetSet'],
    ['workloads.kubeblocks.io/v1', 'InstanceSet'],
  ] as const) {
    t.same(owned({ ownerReferences: [{ ...owner, apiVersion, kind }] }), ['owned-operator'], kind);
  }
  const valkey = { 'app.kubernetes.io/managed-by': 'valkey-operator' };
  t.same(owned({ labels: valkey }), ['owned-operator']);
  t.same(owned({ labels: { 'app.kubernetes.io/managed-by': 'Helm' } }), []);
});

void test('files that root alone may read, by the mode of one item', async (t) => {
  const mirrored = (volume: Omit<Volume, 'name'>): Volume | undefined => {
    const how = read(
      {
        args: ['--port', '0', '--tls-port', '6379', '--tls-ca-cert-file', '/tls/ca.crt'],
        volumeMounts: [{ name: 'tls', mountPath: '/tls' }],
      },
      { volumes: [{ name: 'tls', ...volume }] },
    );
    const name = list(how.agent?.volumeMounts).find(({ mountPath }) => mountPath === '/tls')?.name;
    return list(how.after.spec?.volumes).find((each) => each.name === name);
  };
  const item = { key: 'ca', path: 'ca.crt' };
  const name = 'redis-orchestrator-tls';
  t.strictSame(mirrored({ secret: { secretName: 's', items: [{ ...item, mode: 0o400 }] } }), {
    name,
    secret: { secretName: 's', items: [item], defaultMode: 0o444 },
  });
  t.strictSame(mirrored({ configMap: { name: 'c', items: [item], defaultMode: 0o400 } }), {
    name,
    configMap: { name: 'c', items: [item], defaultMode: 0o444 },
  });
  const sources = [{ secret: { name: 's', items: [{ ...item, mode: 0o400 }] } }];
  t.strictSame(mirrored({ projected: { sources } }), {
    name,
    projected: { defaultMode: 0o444, sources: [{ secret: { name: 's', items: [item] } }] },
  });
  const open = { secret: { secretName: 's', items: [{ ...item, mode: 0o444 }] } };
  t.strictSame(mirrored(open), { name: 'tls', ...open }, 'the same volume');
});

void test('a unix socket alone', async (t) => {
  const args = ['--port', '0', '--unixsocket', '/run/redis.sock'];
  t.same(read({ args }).codes, ['no-port']);
  t.equal(read({ args }).decision.kind, 'skip');
  for (const more of [
    ['--tls-port', '6380'],
    ['--include', '/etc/more.conf'],
  ]) {
    t.equal(read({ args: [...args, ...more] }).decision.kind, 'inject', more.join(' '));
  }
});

void test('a group that is no name: the label and the Lease were called differently', async (t) => {
  for (const value of ['Cache_A', '', 'a'.repeat(64), 'shop/cache', '-a']) {
    const byLabel = read({}, {}, { labels: { app: 'redis', [GROUP]: value } });
    t.equal(byLabel.decision.kind, 'deny', value);
    t.same(byLabel.codes, ['group-invalid'], value);
    t.match(byLabel.texts[0], /^label redis-orchestrator\.io\/group is .+: no group/);
    const byAnnotation = read({}, {}, { annotations: { [GROUP]: value } });
    t.same(byAnnotation.codes, ['group-invalid'], value);
  }
  const fine = read({}, {}, { labels: { app: 'redis', [GROUP]: 'cache.a-1' } });
  t.match(environment(fine), { RO_GROUP: 'cache.a-1', RO_LABEL_SELECTOR: `${GROUP}=cache.a-1` });
  t.equal(fine.after.metadata?.labels?.[GROUP], 'cache.a-1');
});

void test("the node's network: two pods cannot have the port of the agent on one node", async (t) => {
  const how = read({}, { hostNetwork: true });
  t.same(how.codes, ['host-network']);
  t.match(how.texts[0], /port 8080 of the node/);
});

void test('no container is Redis: what was seen instead', async (t) => {
  const texts = (containers: object[]): readonly string[] =>
    read({}, { containers: containers as Container[] }).texts;
  t.match(texts([{ name: 'cache', image: 'host:5000/team/cache:7' }]), [
    /none of cache \(cache:7\)/,
  ]);
  const many = ['a', 'b', 'c'].map((name) => ({ name, image: `corp/${name.repeat(30)}:1.2.3` }));
  t.match(texts(many), [/none of a \(a+ and 2 more is recognised as Redis; name it by redis-/]);
  t.match(texts([{ name: 'cache' }]), [/none of cache \(no image\)/]);
});
