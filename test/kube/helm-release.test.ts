// Releases on a real API server without nodes: what helm does to objects that the webhook writes to as well, and to
// those that are there already. With nodes, and under load: test/e2e/install/install.test.ts.

import { AdmissionregistrationV1Api, KubeConfig } from '@kubernetes/client-node';
import { t as file, test } from 'tap';
import { CaBundle } from '../../webhook/certs/ca-bundle.ts';
import { createAuthority } from '../harness/certificates.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { CHART, Helm, HELM_MAJORS } from '../harness/helm.ts';
import { REPOSITORY } from '../harness/programs.ts';
import { Workspace } from '../harness/workspace.ts';
import { CONFIGURATION, kubectl, SYSTEM } from './webhook-setup.ts';

// The first time on a machine both programs are built.
file.setTimeout(900_000);

const workspace = new Workspace();
file.teardown(async () => await workspace.close());
const controlPlane = await startControlPlane(workspace, { controllerManager: true });
const { admin, adminKubeconfig } = controlPlane;
const helms = HELM_MAJORS.map((major) => new Helm(major, adminKubeconfig));
const [helm3, helm4] = helms as [Helm, Helm];
const config = new KubeConfig();
config.loadFromFile(adminKubeconfig);
const { certPem } = await createAuthority('webhook-ca');
/** The webhook's own way of writing it. */
const bundle = new CaBundle(config.makeApiClient(AdmissionregistrationV1Api), 'redis-orchestrator');

type Configuration = {
  metadata: { uid: string; managedFields: { manager: string; fieldsV1: object }[] };
  webhooks: { timeoutSeconds: number; clientConfig: { caBundle?: string } }[];
};

const read = async (): Promise<Configuration> => await admin.get<Configuration>(CONFIGURATION);

/** Both entries have the bundle, and nobody but the webhook has a say in it. */
async function state(): Promise<{ timeouts: number[]; hasBundle: boolean; owners: string[] }> {
  const { metadata, webhooks } = await read();
  return {
    timeouts: webhooks.map(({ timeoutSeconds }) => timeoutSeconds),
    hasBundle: webhooks.every(
      ({ clientConfig }) => clientConfig.caBundle === Buffer.from(certPem).toString('base64'),
    ),
    owners: metadata.managedFields
      .filter(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes('f:caBundle'))
      .map(({ manager }) => manager),
  };
}

const kept = (timeout: number): object => ({
  timeouts: [timeout, timeout],
  hasBundle: true,
  owners: ['redis-orchestrator-ca'],
});

const release = (namespace: string): readonly string[] => ['ha', CHART, `--namespace=${namespace}`];
const timeout = (seconds: number): string => `--set=webhook.timeoutSeconds=${seconds}`;

async function install(helm: Helm, namespace: string, ...args: string[]): Promise<string> {
  return await helm.run(['install', ...release(namespace), '--create-namespace', ...args]);
}

async function uninstall(helm: Helm, namespace: string): Promise<void> {
  await helm.run(['uninstall', 'ha', `--namespace=${namespace}`]);
}

for (const helm of helms) {
  void test(`helm ${helm.major}: an upgrade and a rollback leave the caBundle to the webhook`, async (t) => {
    const namespace = `ha-${helm.major}`;
    const said = await install(helm, namespace);
    t.match(said, `is in the namespace ${namespace}`);
    t.match(said, 'kubectl label namespace NAMESPACE redis-orchestrator.io/inject=enabled');
    t.notMatch(said, /Ignore/);
    t.ok(await bundle.ensure(certPem));
    t.same(await state(), kept(5));
    await helm.run(['upgrade', ...release(namespace), timeout(7)]);
    t.same(await state(), kept(7));
    await helm.run(['upgrade', ...release(namespace), timeout(7), '--set=webhook.replicas=3']);
    t.same(await state(), kept(7));
    await helm.run(['rollback', 'ha', '1', `--namespace=${namespace}`]);
    t.same(await state(), kept(5));
    const typo = ['upgrade', ...release(namespace), '--set=webhook.timeoutSecond=9'];
    const { ok, stderr } = await helm.ask(typo);
    t.notOk(ok, 'a typo changes nothing');
    t.match(stderr, /additional properties 'timeoutSecond' not allowed/);
    t.same(await state(), kept(5));
    await uninstall(helm, namespace);
    t.equal(await admin.find(CONFIGURATION), undefined);
  });
}

void test('a release of helm 3 is upgraded by helm 4', async (t) => {
  await install(helm3, 'ha-3');
  await bundle.ensure(certPem);
  await helm4.run(['upgrade', ...release('ha-3'), timeout(7)]);
  t.same(await state(), kept(7));
  await uninstall(helm4, 'ha-3');
});

void test('a second release in the cluster is refused: two webhooks would inject each pod', async (t) => {
  await install(helm3, 'ha-3');
  const second = await helm4.ask(['install', ...release('other'), '--create-namespace']);
  t.notOk(second.ok);
  t.match(
    second.stderr,
    /redis-orchestrator.*(invalid ownership metadata|exists and cannot be imported)/s,
  );
  t.match((await read()).webhooks.length, 2);
  await uninstall(helm3, 'ha-3');
});

for (const helm of helms) {
  void test(`helm ${helm.major} takes over where kubectl apply -k has installed`, async (t) => {
    kubectl(controlPlane, ['apply', '-k', `${REPOSITORY}/manifests/base`]);
    await bundle.ensure(certPem);
    const { metadata } = await read();
    await install(helm, SYSTEM, '--take-ownership');
    t.equal((await read()).metadata.uid, metadata.uid, 'the same object');
    t.same(await state(), kept(5));
    const change = ['upgrade', ...release(SYSTEM), timeout(7)];
    if (helm.major === 4) {
      // It asks before it takes a field away from another field manager, which kubectl was.
      const { ok, stderr } = await helm.ask(change);
      t.notOk(ok);
      t.match(stderr, /conflict.*kubectl-client-side-apply/s);
      change.push('--force-conflicts');
    }
    await helm.run(change);
    t.same(await state(), kept(7));
    await uninstall(helm, SYSTEM);
    t.equal(await admin.find(CONFIGURATION), undefined);
    t.ok(await admin.find(`/api/v1/namespaces/${SYSTEM}`), "the namespace is not helm's");
  });
}
