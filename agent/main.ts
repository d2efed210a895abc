// The agent: wires the parts. No logic here.

import { randomBytes } from 'node:crypto';
import { messageOf, OrchestratorError } from '../src/errors.ts';
import { type GroupView, groupView } from '../src/group-view.ts';
import { createLog, type Log } from '../src/log.ts';
import { VERSION } from '../src/version.ts';
import { PROTOCOL } from '../src/wire.ts';
import { systemClock } from './clock.ts';
import { type AgentConfig, readConfig } from './config.ts';
import { groupFactsOf } from './core/group-facts.ts';
import type { CoreConfig } from './core/model.ts';
import { isHolder } from './core/view.ts';
import { HttpServer } from './http/server.ts';
import { KubeApi } from './kube/api.ts';
import { loadCredentials } from './kube/credentials.ts';
import { dataVolume } from './kube/data-volume.ts';
import { AgentEvents } from './kube/events.ts';
import { groupOf } from './kube/group.ts';
import { LabelKeeper } from './kube/label-keeper.ts';
import { LeaseAdapter } from './kube/lease.ts';
import { PodsAdapter } from './kube/pods.ts';
import { watchRequests } from './kube/requests.ts';
import { type OwnPod, readOwnPod } from './kube/own-pod.ts';
import { RouteKeeper } from './kube/route-keeper.ts';
import { readRoute } from './kube/service-route.ts';
import { SlicesAdapter } from './kube/slices.ts';
import { Metrics } from './metrics/registry.ts';
import { PeerStreams } from './peers/streams.ts';
import { RedisProcess } from './process/redis-process.ts';
import type { RedisAccess } from './redis/access.ts';
import { LocalRedisAdapter } from './redis/local.ts';
import { RemoteRedis } from './redis/remote.ts';
import { Runtime } from './runtime.ts';
import { prestop, type ShutdownParts, terminate } from './shutdown.ts';

const clock = systemClock;
const random = Math.random;

/**
 * Sortable: a younger agent of a pod has the greater id. The wall clock may have jumped back since
 * the agent before us started, so its id in the Lease is outdone as well.
 */
async function newAgentId(lease: LeaseAdapter, uid: string, timeoutMs: number): Promise<string> {
  const ID_DIGITS = 9;
  const seen = await lease.read(timeoutMs);
  const holder = seen.ok ? (seen.body?.holder ?? null) : null;
  const before = holder?.uid === uid ? Number.parseInt(holder.agentId.slice(0, ID_DIGITS), 36) : 0;
  const start = Math.max(clock.epochMs(), before + 1);
  return `${start.toString(36).padStart(ID_DIGITS, '0')}${randomBytes(3).toString('hex')}`;
}

function accessOf(config: AgentConfig): RedisAccess {
  return {
    port: config.redisPort,
    user: config.redisUser,
    password: config.redisPassword,
    passwordFile: config.redisPasswordFile,
    configFile: config.redisConfigFile,
    tls: config.redisTls,
    tlsCa: config.redisTlsCa,
    tlsCert: config.redisTlsCert,
    tlsKey: config.redisTlsKey,
    tlsServerName: config.redisTlsServerName,
    tlsSkipVerify: config.redisTlsSkipVerify,
  };
}

function coreOf(config: AgentConfig, own: OwnPod, agentId: string): CoreConfig {
  return {
    self: {
      pod: config.podName,
      uid: own.uid,
      agentId,
      volume: dataVolume(own.pod),
      address: own.ip,
    },
    protocol: PROTOCOL,
    timing: config.timing,
    bootFence: config.bootFence,
    redisTimeoutMs: config.redisTimeout,
    maxFailoverLagBytes: config.maxFailoverLag ?? null,
    ageBeatsBytes: config.ageBeatsBytes,
    priorityFirst: config.electionPolicy === 'priority',
    proceedsWithoutMissing: config.missingData === 'proceed',
    confirmedBy: config.confirmedBy,
    isolates: config.isolation,
    killsFrozen: config.killFrozen,
    failsOverUnwritable: config.unwritableMaster === 'failover',
  };
}

async function run(config: AgentConfig, log: Log): Promise<void> {
  const api = new KubeApi(await loadCredentials(process.env), clock);
  const pods = new PodsAdapter(api, config.namespace);
  const own = await readOwnPod(pods, config, clock, log, random);
  const group = groupOf(own.pod, config);
  const lease = new LeaseAdapter(api, config.namespace, group.name, config.timing.waitMs);
  const agentId = await newAgentId(lease, own.uid, config.timing.requestTimeoutMs);
  const labels = new LabelKeeper(pods, clock, log, random);
  const routes = new RouteKeeper({
    slices: new SlicesAdapter(api, config.namespace),
    namespace: config.namespace,
    group: group.name,
    placeOf: (uid) => pods.place(uid),
    syncIntervalMs: config.syncInterval,
    clock,
    log,
    random,
  });
  const access = accessOf(config);
  log.info({ version: VERSION, group: group.name, selectors: group.selectors }, 'agent started');

  const redisProcess = new RedisProcess();
  const redis = new LocalRedisAdapter({
    access,
    host: config.redisHost,
    timeoutMs: config.redisTimeout,
    minReplicas: config.minReplicasToWrite ?? null,
    isolates: config.isolation,
    clock,
    log,
    onChange: (seen) => runtime.dispatch({ kind: 'redis', redis: seen }),
    onServer: (info) => {
      if (!config.killFrozen) return;
      const fault = redisProcess.learn(info);
      if (fault !== null) log.warn({ code: 'RO_KILL_UNAVAILABLE' }, `--kill-frozen: ${fault}`);
      runtime.dispatch({ kind: 'kill-fault', fault });
    },
    onRefusedSettings: (refused) => {
      for (const text of refused) log.warn({ code: 'RO_REDIS_COMMAND_DENIED' }, text);
    },
  });
  const streams = new PeerStreams({
    port: config.httpPort,
    clock,
    log,
    random,
    onReport: (report) => {
      const startedEpochMs = Date.parse(report.startupTime ?? '') || 0;
      runtime.dispatch({ kind: 'peer', report, startedEpochMs });
    },
  });
  const metrics = new Metrics(group.name, clock, () => api.isReachable);
  const events = new AgentEvents({ api, own: own.pod, agentId, clock, log });
  const runtime: Runtime = new Runtime({
    core: coreOf(config, own, agentId),
    clock,
    log,
    redis,
    redisProcess,
    remoteRedis: new RemoteRedis(access, () => clock.epochMs()),
    lease,
    pods,
    labels,
    routes,
    namespace: config.namespace,
    group: group.name,
    podIP: own.ip,
    syncIntervalMs: config.syncInterval,
    readRoute: () =>
      readRoute(api, own.pod, {
        service: config.redisService,
        group: group.name,
        timeoutMs: config.timing.requestTimeoutMs,
      }),
    apiRequests: () => api.requestCount,
    isTraced: config.logLevel === 'debug',
    followPeers: (list) => streams.follow(list),
    isStranger: (uid, address) => streams.isStranger(uid, address),
    publish: (report) => http.publish(report),
    tell: (notice) => events.tell(notice),
    observe: (step) => metrics.observe(step),
    observeLag: (ms) => metrics.observeLag(ms),
    onExit: (code) => process.exit(code),
  });
  const shutdown: ShutdownParts = {
    runtime,
    pods,
    clock,
    log,
    podName: config.podName,
    podUid: own.uid,
    graceMs: config.shutdownGrace,
  };
  const view = (): GroupView =>
    groupView(
      groupFactsOf(runtime.state, {
        own: runtime.report(),
        nodeOf: (uid) => pods.place(uid)?.node ?? null,
        at: new Date(clock.epochMs()).toISOString(),
        profile: config.timingProfile,
      }),
    );
  const http = new HttpServer({
    report: () => runtime.report(),
    view,
    unhealthiness: () => runtime.unhealthiness(),
    unreadiness: () => runtime.unreadiness(),
    prestop: () => prestop(shutdown),
    metrics: async () => {
      return { type: metrics.contentType, text: await metrics.text(runtime.state, view()) };
    },
  });
  await http.listen(config.httpHost, config.httpPort);

  const onBroken = (what: string) => (detail: string) =>
    log.warn({ detail }, `watch on ${what} broke`);
  runtime.start();
  redis.start();
  routes.start();
  pods.watch(
    group,
    (list, isStale) => runtime.dispatch({ kind: 'pods', pods: list, isStale }),
    onBroken('pods'),
    random,
  );
  void lease.watch(
    (seen) => runtime.dispatch({ kind: 'lease', lease: seen }),
    onBroken('the Lease'),
    random,
  );

  void watchRequests({
    api,
    namespace: config.namespace,
    group: group.name,
    clock,
    random,
    onRequest: (request) => runtime.dispatch({ kind: 'request', request }),
    onPause: (pause) => runtime.dispatch({ kind: 'pause', pause }),
    onUnreadable: (what, detail) => {
      const note = `the ${what} cannot be read: ${detail}`;
      log.warn({ code: 'RO_REQUEST_INVALID' }, note);
      // All agents read it; whoever asked is told by the one that would have answered.
      const reason = what === 'pause' ? 'PauseRefused' : 'SwitchoverRefused';
      if (isHolder(runtime.state)) events.tell({ reason, note });
    },
    onBroken: onBroken('requests'),
  });

  let isEnding = false;
  const end = async (): Promise<void> => {
    if (isEnding) return;
    isEnding = true;
    await terminate(shutdown);
    runtime.stop();
    redis.stop();
    await routes.stop(runtime.state);
    await Promise.allSettled([streams.close(), http.close(), api.close()]);
    process.exit(0);
  };
  process.on('SIGTERM', () => void end());
  process.on('SIGINT', () => void end());
}

function fail(log: Log, error: unknown): never {
  const known =
    error instanceof OrchestratorError ? { code: error.code, remedy: error.remedy } : {};
  log.error({ ...known }, messageOf(error));
  process.exit(1);
}

const result = readConfig(process.argv.slice(2), process.env);
if (result.kind === 'help') {
  process.stdout.write(result.text);
} else if (result.kind === 'invalid') {
  for (const error of result.errors) process.stderr.write(`RO_CONFIG_INVALID ${error}\n`);
  process.exitCode = 2;
} else {
  const { podName, namespace, logLevel } = result.config;
  const log = createLog('agent', logLevel, { pod: podName, namespace });
  process.on('unhandledRejection', (error) => fail(log, error));
  process.on('uncaughtException', (error) => fail(log, error));
  run(result.config, log).catch((error: unknown) => fail(log, error));
}
