// The examples, applied as they are: a password from a Secret, TLS, and the sidecar written by
// hand in a namespace that is not labelled. Each fails over.

import t, { type Test } from 'tap';
import { createAuthority, issueCertificate } from '../harness/certificates.ts';
import { type RedisAccess, redisCommand } from '../harness/redis-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Clients } from './clients.ts';
import { hasNativeSidecars, openCluster } from './cluster.ts';
import { Group } from './group.ts';
import { applyExample } from './manifest.ts';
import { createNamespace } from './namespace.ts';
import { redisPid } from './processes.ts';
import { record } from './records.ts';

t.setTimeout(600_000);
const cluster = openCluster();

type Example = {
  readonly manifest: string;
  readonly name: string;
  readonly access?: RedisAccess;
  /** False: the agent stands in the manifest, as a native sidecar. */
  readonly isInjected?: boolean;
  readonly prepare?: (namespace: string) => Promise<unknown>;
};

async function tlsSecret(namespace: string): Promise<void> {
  const authority = await createAuthority('redis-tls-ca');
  const { certPem, keyPem } = await issueCertificate(authority, 'redis-tls', {
    dns: ['localhost', 'redis-tls', '*.redis-tls-headless'],
    ips: ['127.0.0.1'],
  });
  await cluster.core.createNamespacedSecret({
    namespace,
    body: {
      metadata: { name: 'redis-tls' },
      stringData: { 'tls.crt': certPem, 'tls.key': keyPem, 'ca.crt': authority.certPem },
    },
  });
}

const EXAMPLES: readonly Example[] = [
  {
    manifest: 'redis-password.yaml',
    name: 'redis-secure',
    access: { password: 'change-me-before-use' },
  },
  { manifest: 'redis-tls.yaml', name: 'redis-tls', access: { tls: true }, prepare: tlsSecret },
  { manifest: 'hand-written-sidecar.yaml', name: 'redis', isInjected: false },
];

async function failsOver(t: Test, group: Group, image: string): Promise<void> {
  const master = await group.oneMaster();
  const clients = await Clients.start(t, group);
  const mark = performance.now();
  process.kill(redisPid(master.uid), 'SIGKILL');
  const killed = performance.now();
  const direct = await clients.direct.firstAfter(killed, 60_000, master.ip);
  const service = await clients.service.firstAfter(killed, 60_000);
  record(t, { image, what: 'Redis killed, direct', value: direct.atMs - mark });
  record(t, { image, what: 'Redis killed, through the Service', value: service.atMs - mark });
  const next = await group.oneMaster();
  await clients.stop();
  t.not(next.uid, master.uid, 'another pod is master');
}

const isNative = await hasNativeSidecars(cluster);

for (const example of EXAMPLES) {
  const { manifest, name, access = {}, isInjected = true } = example;
  const skip =
    !isInjected && !isNative && `${manifest} has a native sidecar, which needs Kubernetes 1.29`;
  await t.test(manifest, { skip }, async (t) => {
    const namespace = await createNamespace(t, cluster, name, { isInjected, isRestricted: true });
    await example.prepare?.(namespace);
    await applyExample(cluster, namespace, manifest);
    const group = new Group(cluster, namespace, name, access);
    const master = await group.oneMaster();
    const address = await group.serviceAddress();
    const set = async (): Promise<boolean> =>
      (await redisCommand(address, access, 'SET', 'hello', 'world')) === 'OK';
    await waitFor('a write through the Service', set, { timeoutMs: 60_000, everyMs: 100 });
    t.equal(await redisCommand(master.ip, access, 'GET', 'hello'), 'world');
    if (access.password !== undefined) {
      const stranger = redisCommand(master.ip, {}, 'GET', 'hello');
      await t.rejects(stranger, /NOAUTH/, 'without the password nothing is told');
      const log = await group.kubectl('logs', master.name, '-c', 'redis-orchestrator');
      t.notMatch(log, new RegExp(access.password), "the password is not in the agent's log");
    }
    if (access.tls === true) {
      await t.rejects(redisCommand(master.ip, {}, 'PING'), 'plain text is not served');
    }
    await failsOver(t, group, manifest.replace('.yaml', ''));
  });
}
