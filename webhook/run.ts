// Connects the parts of a running webhook: certificates, controller, server, shutdown.

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { splitList } from '../src/injection-options.ts';
import type { Log } from '../src/log.ts';
import { serviceNames } from './certs/authority.ts';
import { CaBundle } from './certs/ca-bundle.ts';
import { CaStore } from './certs/ca-store.ts';
import { FileCertificates } from './certs/files.ts';
import { GeneratedCertificates } from './certs/generated.ts';
import { ServerClock } from './certs/server-clock.ts';
import type { CertificateSource } from './certs/source.ts';
import { toCoreConfig, type WebhookConfig } from './config.ts';
import { Follower } from './control/follow.ts';
import { Leader } from './control/leader.ts';
import { Namespaces } from './control/namespaces.ts';
import { OwnerEvents } from './control/owner-events.ts';
import { Rounds } from './control/rounds.ts';
import { Sidecars } from './control/sidecars.ts';
import { TopOwners } from './control/top-owner.ts';
import type { CoreConfig } from './core/plan.ts';
import { reason } from './core/reasons.ts';
import { connectKube, type Kube, kubeMessage } from './kube.ts';
import { WebhookMetrics } from './metrics.ts';
import { createOutcomeHandler } from './outcomes.ts';
import { WebhookServer } from './server.ts';

/** Timers are checked against the wall clock at least so often: long ones fire at once. */
const CERTIFICATE_CHECK_MS = 60_000;

export type RunningWebhook = {
  /** Fails readiness, gives up what others may take over, waits so long, and closes. */
  readonly drain: (delayMs: number) => Promise<void>;
};

export async function runWebhook(config: WebhookConfig, log: Log): Promise<RunningWebhook> {
  const kube = connectKube();
  const metrics = new WebhookMetrics();
  const nowMs = (): number => Date.now();
  const owners = new TopOwners(kube);
  const events = new OwnerEvents({ api: kube.events, log, nowMs, owners, instance: hostname() });
  const sidecars = new Sidecars(kube.core, log, config.nativeSidecar);
  const elapsedMs = (): number => performance.now();
  const leader = new Leader({
    api: kube.coordination,
    namespace: config.namespace,
    identity: `${hostname()}_${randomUUID()}`,
    log,
    nowMs,
    elapsedMs,
    onChange: (isLeader) => {
      metrics.leads(isLeader);
      if (isLeader) namespaces.lead();
    },
  });
  const namespaces: Namespaces = new Namespaces({
    kube,
    log,
    leader,
    elapsedMs,
    excluded: toCoreConfig(config, false).excludedNamespaces,
    onError: () => metrics.namespaceFailed(),
    onMisspelt: ({ metadata }, value) => {
      const { name = '', uid = '' } = metadata ?? {};
      const about = { apiVersion: 'v1', kind: 'Namespace', name, uid };
      const why = [reason('label-misspelt', { value })];
      events.tellAbout(name, about, why, 'Skip');
    },
  });
  namespaces.start();
  void leader.run();
  const source = certificateSource(config, kube, log, metrics);
  let server: WebhookServer | undefined;
  const certificate = await source.start((next) => server?.useCertificate(next));
  keepCertificates(config, kube, source, log);
  const cores = [toCoreConfig(config, false), toCoreConfig(config, true)] as const;
  const core = (): CoreConfig => (sidecars.isNative ? cores[1] : cores[0]);
  server = new WebhookServer({
    certificate,
    metrics,
    context: () => ({
      core: core(),
      namespaceFacts: (name) => namespaces.facts(name),
    }),
    onOutcome: createOutcomeHandler(log, namespaces, events),
    isReady: () => {
      if (!namespaces.isSynced) return 'namespaces are not prepared yet';
      return sidecars.isKnown ? undefined : 'versions of the nodes are not known yet';
    },
  });
  await server.listen(config.httpsHost, config.httpsPort, config.healthPort);
  log.info({ port: config.httpsPort, healthPort: config.healthPort }, 'webhook serves');
  const rounds = new Rounds({
    kube,
    leader,
    namespaces,
    core,
    events,
    onCounted: (pods) => metrics.counted(pods),
    log,
    everyMs: config.roundInterval,
  });
  void rounds.run();
  return { drain: async (delayMs) => await drain(server, leader, delayMs, log) };
}

async function drain(
  server: WebhookServer,
  leader: Leader,
  delayMs: number,
  log: Log,
): Promise<void> {
  const released = leader.release().catch((error: unknown) => {
    log.warn({ error: kubeMessage(error) }, 'the Lease could not be given back; it expires');
  });
  await Promise.all([server.drain(delayMs), released]);
}

function certificateSource(
  config: WebhookConfig,
  kube: Kube,
  log: Log,
  metrics: WebhookMetrics,
): CertificateSource {
  const nowMs = (): number => Date.now();
  const bundle = new CaBundle(kube.admission, config.configurationName);
  const { tlsCertFile: certFile, tlsKeyFile: keyFile, tlsCaFile: caFile } = config;
  if (certFile !== undefined && keyFile !== undefined) {
    const elapsedMs = (): number => performance.now();
    const { certificates: watcher } = metrics;
    const files = { certFile, keyFile, caFile };
    return new FileCertificates({ ...files, bundle, log, nowMs, elapsedMs, watcher });
  }
  const { namespace, caSecret: name, caLifetime: lifetimeMs } = config;
  return new GeneratedCertificates({
    store: new CaStore(kube.core, { namespace, name, lifetimeMs }),
    bundle,
    names: [...serviceNames(config.serviceName, namespace), ...splitList(config.certNames, ',')],
    leafLifetimeMs: config.certLifetime,
    log,
    watcher: metrics.certificates,
    clock: new ServerClock({
      api: kube.version,
      log,
      nowMs,
      onOffset: (offsetMs) => metrics.offset(offsetMs),
    }),
  });
}

/** Looks again when the configuration or the Secret changes, and by the clock. */
function keepCertificates(
  config: WebhookConfig,
  kube: Kube,
  source: CertificateSource,
  log: Log,
): void {
  const onChange = (): void => {
    source
      .check()
      .catch((error: unknown) => log.error({ error: kubeMessage(error) }, 'check failed'));
  };
  const byName = (name: string): string => `metadata.name=${name}`;
  const configuration = new Follower({
    watch: kube.watch,
    path: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    query: { fieldSelector: byName(config.configurationName) },
    list: async () =>
      await kube.admission.listMutatingWebhookConfiguration({
        fieldSelector: byName(config.configurationName),
      }),
    onChange,
    log,
  });
  const secret = new Follower({
    watch: kube.watch,
    path: `/api/v1/namespaces/${config.namespace}/secrets`,
    query: { fieldSelector: byName(config.caSecret) },
    list: async () =>
      await kube.core.listNamespacedSecret({
        namespace: config.namespace,
        fieldSelector: byName(config.caSecret),
      }),
    onChange,
    log,
  });
  void configuration.run();
  if (config.tlsCertFile === undefined) void secret.run();
  setInterval(onChange, Math.min(CERTIFICATE_CHECK_MS, config.certLifetime / 6)).unref();
}
