// check --pre and check on a real API server: before an installation, with less rights, against a policy, beside other
// webhooks, and after it. The program is the bundle, as people call it.

import { join } from 'node:path';
import t from 'tap';
import { baseObjects } from '../../cli/base-objects.ts';
import type { Finding } from '../../cli/commands/finding.ts';
import { AGENT_CONTAINER, INJECT_LABEL, STATUS_ANNOTATION } from '../../src/names.ts';
import { call, createPerson, type Rule, rulesOf } from '../harness/people.ts';
import { REPOSITORY } from '../harness/programs.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { freePorts } from '../harness/free-ports.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Workspace } from '../harness/workspace.ts';
import { applyBase, kubectl, startWebhook, SYSTEM, webhookReady } from './webhook-setup.ts';

t.setTimeout(240_000);
const workspace = new Workspace();
t.teardown(async () => await workspace.close());
const controlPlane = await startControlPlane(workspace, { controllerManager: true });
const { admin, adminKubeconfig } = controlPlane;
const BASE = join(REPOSITORY, 'manifests/base');
await admin.create('/api/v1/namespaces', { metadata: { name: 'shop' } });

type Checked = { readonly code: number | null; readonly codes: readonly string[]; text: string };

/** What is not well, by its code; each has a remedy. */
async function checked(kubeconfig: string, ...args: readonly string[]): Promise<Checked> {
  const { code, stdout, stderr } = await call(kubeconfig, ['check', ...args, '-o', 'json']);
  if (!stdout.startsWith('[')) throw new Error(`${code}: ${stdout}${stderr}`);
  const findings = JSON.parse(stdout) as Finding[];
  const bad = findings.filter(({ level }) => level !== 'ok');
  for (const { text, remedy } of bad) if (remedy === undefined) throw new Error(text);
  return { code, codes: bad.map((each) => each.code ?? ''), text: stdout };
}

/** An account with these rights in all namespaces. */
async function clusterPerson(name: string, rules: readonly Rule[]): Promise<string> {
  const { kubeconfig } = await createPerson(controlPlane, 'shop', name, rulesOf('viewer'));
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  await admin.create(`${rbac}/clusterroles`, { metadata: { name }, rules });
  await admin.create(`${rbac}/clusterrolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: 'shop' }],
  });
  return kubeconfig;
}

await t.test('the objects that are looked for are those that kustomize makes', async (t) => {
  const made = kubectl(controlPlane, ['kustomize', BASE]);
  const dry = [
    'apply',
    '--dry-run=client',
    '-o',
    'jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.namespace}{"\\n"}{end}',
    '-f',
    '-',
  ];
  const named = kubectl(controlPlane, dry, made).trim().split('\n').toSorted();
  const kinds = (lines: readonly string[]) =>
    lines.map((line) => line.split(' ').slice(0, 2).join(' '));
  t.same(
    kinds(named),
    baseObjects(SYSTEM)
      .map(({ kind, name }) => `${kind} ${name}`)
      .toSorted(),
  );
  const image = JSON.stringify(baseObjects(SYSTEM).find(({ kind }) => kind === 'Deployment'));
  t.match(made, new RegExp(`image: ${/"image":"([^"]+)"/.exec(image)?.[1]}\n`));
});

await t.test('before: all is well for the administrator, and nothing was written', async (t) => {
  const { code, stdout, stderr } = await call(adminKubeconfig, ['check', '--pre']);
  t.comment(stdout);
  t.same([code, stderr], [0, '']);
  t.match(stdout, /^√ API server: it answers, Kubernetes v1\./m);
  t.match(stdout, /^√ clock: /m);
  t.match(stdout, /^√ dry run: .* \d+ objects/m);
  t.match(stdout, /^√ namespace redis-orchestrator-system: it is free/m);
  t.equal(await admin.find(`/api/v1/namespaces/${SYSTEM}`), undefined);
  const absent = await checked(adminKubeconfig, '--installation');
  t.match(absent, { code: 4, codes: ['no-webhook'] });
});

await t.test('with the rights to view alone, each right that is missing is named', async (t) => {
  const { kubeconfig } = await createPerson(controlPlane, 'shop', 'victor', rulesOf('viewer'));
  const { code, stdout, stderr } = await call(kubeconfig, ['check', '--pre']);
  t.same([code, stderr], [4, '']);
  t.match(
    stdout,
    '× rights: you may not get, create, patch clusterroles.rbac.authorization.k8s.io [',
  );
  t.match(stdout, `deployments.apps in namespace ${SYSTEM} [right-missing]\n    `);
  t.match(stdout, '? nodes: not looked at: you may not list nodes [not-seen]');
  t.match(stdout, /^√ API: all that is needed is served/m);
});

await t.test('who may write roles and holds none of their rights is told', async (t) => {
  const verbs = ['get', 'list', 'create', 'patch'];
  const kubeconfig = await clusterPerson('roland', [{ apiGroups: ['*'], resources: ['*'], verbs }]);
  const { code, codes, text } = await checked(kubeconfig, '--pre');
  t.equal(code, 4);
  t.ok(codes.includes('rights-not-held'), text);
  t.notOk(codes.includes('right-missing'), text);
});

await t.test('a policy that would refuse the installation, and a webhook in its way', async (t) => {
  const registration = '/apis/admissionregistration.k8s.io/v1';
  await admin.create(`${registration}/validatingadmissionpolicies`, {
    metadata: { name: 'owned' },
    spec: {
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['CREATE'],
            resources: ['namespaces'],
          },
        ],
      },
      validations: [{ expression: 'has(object.metadata.labels.owner)', message: 'name an owner' }],
    },
  });
  await admin.create(`${registration}/validatingadmissionpolicybindings`, {
    metadata: { name: 'owned' },
    spec: { policyName: 'owned', validationActions: ['Deny'] },
  });
  await admin.create(`${registration}/mutatingwebhookconfigurations`, {
    metadata: { name: 'injector-of-others' },
    webhooks: [
      {
        name: 'pods.example.com',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        clientConfig: { url: 'https://127.0.0.1:1/mutate' },
        rules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
        ],
      },
    ],
  });
  const refused = await waitFor(
    'the policy is in force',
    async () => {
      const found = await checked(adminKubeconfig, '--pre');
      return found.codes.includes('refused') && found;
    },
    { timeoutMs: 30_000, everyMs: 500 },
  );
  t.match(refused, { code: 4, text: /would refuse it: .*name an owner/ });
  t.same(refused.codes, ['refused', 'webhook-in-the-way']);
  await admin.delete(`${registration}/validatingadmissionpolicybindings/owned`);
  await admin.delete(`${registration}/validatingadmissionpolicies/owned`);
  await admin.delete(`${registration}/mutatingwebhookconfigurations/injector-of-others`);
  const isGone = async () => (await checked(adminKubeconfig, '--pre')).code === 0;
  await waitFor('the policy is gone', isGone, { timeoutMs: 30_000, everyMs: 500 });
});

await t.test('installed, and no webhook runs: what is wrong with it', async (t) => {
  kubectl(controlPlane, ['apply', '-k', BASE]);
  const before = await checked(adminKubeconfig, '--pre');
  t.match(before, { code: 3, codes: ['installed'] });
  const elsewhere = await checked(adminKubeconfig, '--pre', '--system-namespace', 'redis-ha');
  t.match(elsewhere, { code: 4, codes: ['installed-elsewhere'] });
  const after = await call(adminKubeconfig, ['check', '-A']);
  t.comment(after.stdout);
  t.equal(after.code, 4);
  t.match(after.stdout, /^× webhook: its configuration has no caBundle: .* \[no-ca-bundle\]$/m);
  t.match(after.stdout, /^× webhook: 0 of 2 pods are ready: .* \[webhook-not-ready\]$/m);
  const codes = ['no-ca-bundle', 'webhook-not-ready'];
  t.match(await checked(adminKubeconfig, '--installation'), { code: 4, codes });
  const injected = {
    metadata: { name: 'redis-0', annotations: { [STATUS_ANNOTATION]: '{}' } },
    spec: { containers: [{ name: AGENT_CONTAINER, image: 'redis-orchestrator/agent:0.0.9' }] },
  };
  await admin.create('/api/v1/namespaces/shop/pods', injected);
  const old = await checked(adminKubeconfig, '-n', 'shop');
  t.same(old.codes, ['no-ca-bundle', 'webhook-not-ready', 'other-agent']);
  t.match(old.text, /the webhook injects now, redis-orchestrator\/agent:0\.1\.0/);
  await admin.delete('/api/v1/namespaces/shop/pods/redis-0?gracePeriodSeconds=0');
});

await t.test('it runs: what it makes is seen, and pods that came before it', async (t) => {
  kubectl(controlPlane, ['delete', '--wait=true', '-n', SYSTEM, 'deployment', '--all']);
  const [httpsPort = 0] = await freePorts(1);
  applyBase(controlPlane, httpsPort);
  await webhookReady(await startWebhook(controlPlane, httpsPort));
  const containers = [{ name: 'redis', image: 'redis:7' }];
  await waitFor(
    'a pod before the label',
    async () =>
      await admin.create('/api/v1/namespaces/shop/pods', {
        metadata: { name: 'redis-0' },
        spec: { containers },
      }),
    { timeoutMs: 20_000 },
  );
  await admin.patch('/api/v1/namespaces/shop', {
    metadata: { labels: { [INJECT_LABEL]: 'enabled' } },
  });
  const found = await waitFor(
    'the rights of the agents',
    async () => {
      const now = await checked(adminKubeconfig, '-n', 'shop');
      return !now.codes.includes('agents-without-rights') && now;
    },
    { timeoutMs: 20_000, everyMs: 500 },
  );
  t.match(found, { code: 4, codes: ['pods-not-injected'] });
  const installed = await checked(adminKubeconfig, '--installation');
  t.match(installed, { code: 0, codes: [] }, 'what somebody did not restart is not its fault');
  t.match(installed.text, /shop: account and rights of the agents are there/);
  t.match(found.text, /shop: account and rights of the agents are there/);
  t.match(found.text, /it is asked at https:/);
  await admin.delete('/api/v1/namespaces/shop/pods/redis-0?gracePeriodSeconds=0');
  t.match(await checked(adminKubeconfig, '-A'), { code: 0, codes: [] });
  const other = await checked(adminKubeconfig, '-n', 'default');
  t.match(other, { code: 0, codes: [], text: /"namespace default",\s+"text": "no group of Redis/ });
});

await t.test('whoever may view one namespace is told what is hidden, and no more', async (t) => {
  const rules = [
    ...rulesOf('viewer'),
    { apiGroups: [''], resources: ['services', 'namespaces'], verbs: ['get', 'list'] },
    { apiGroups: ['apps'], resources: ['statefulsets', 'deployments'], verbs: ['get', 'list'] },
  ];
  const { kubeconfig } = await createPerson(controlPlane, 'shop', 'vera', rules);
  const own = await checked(kubeconfig);
  t.equal(own.code, 0, own.text);
  t.match(own.text, /you may not get mutatingwebhookconfigurations/);
  t.match(own.text, /you may not list roles\.rbac\.authorization\.k8s\.io in namespace shop/);
  const all = await checked(kubeconfig, '-A');
  t.match(all, { code: 1, text: /you may not list pods in all namespaces/ });
});
