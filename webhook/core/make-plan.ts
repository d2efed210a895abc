// From a Redis container to the whole plan of its injection, with every weakness that it leaves.

import { AGENT_CONTAINER } from '../../src/names.ts';
import { agentContainer, freeHttpPort } from './agent-container.ts';
import { readPolicy } from './annotations.ts';
import { beforeOf } from './before.ts';
import { planBootFence } from './boot-fence.ts';
import { type Facts, readFacts } from './facts.ts';
import { flagsWarnings, serverOptions } from './server-options.ts';
import type { RedisContainer } from './find-container.ts';
import { groupErrors, groupOf } from './group.ts';
import { shortHash } from './hash.ts';
import { readPassword } from './password.ts';
import { agentResources } from './pod-resources.ts';
import { type CoreConfig, type Plan, PRESTOP_PATH } from './plan.ts';
import { type Container, list, type Pod, type Volume } from './pod.ts';
import { type Reason, reason } from './reasons.ts';
import { sameContent } from './same-content.ts';
import { serviceWarnings } from './quality-of-service.ts';
import { planAccount, TOKEN_VOLUME, tokenWarnings } from './service-account.ts';
import { mirrorFiles } from './volumes.ts';

/** Raised to this where a pod gives less: a planned hand-over needs a few seconds. */
const GRACE_SECONDS_MIN = 10;
/** Grows when what is injected changes in a way that matters to who reads the status. */
const REVISION = 2;

export type MadePlan = {
  readonly plan: Plan;
  readonly warnings: readonly Reason[];
  readonly errors: readonly Reason[];
};

export function makePlan(pod: Pod, redis: RedisContainer, config: CoreConfig): MadePlan {
  const { container, image, command } = redis;
  const server = serverOptions(container, image, command);
  const facts = visibleFacts(pod, readFacts(pod, container, image, command, server), container);
  const policy = readPolicy(pod);
  const password = readPassword(pod, redis, facts);
  const bootFence = planBootFence(redis, server);
  const group = groupOf(pod);
  const tlsFiles = [facts.tls?.caFile, facts.tls?.certFile, facts.tls?.keyFile];
  const isFile = (path: string | undefined): path is string => path !== undefined;
  const textFiles = [facts.configFile, password.file];
  const account = planAccount(pod, container, [...textFiles, ...tlsFiles].filter(isFile));
  const tlsMirror = mirrorFiles(pod, container, tlsFiles.filter(isFile));
  const textMirror = mirrorFiles(pod, container, textFiles.filter(isFile));
  const mounts = [...textMirror.mounts, ...tlsMirror.mounts].filter(
    (mount, index, all) => all.findIndex((other) => other.mountPath === mount.mountPath) === index,
  );
  const volumes = uniqueVolumes([...textMirror.volumes, ...tlsMirror.volumes, TOKEN_VOLUME]);
  const httpPort = freeHttpPort(pod, facts.port);
  const given = pod.spec?.terminationGracePeriodSeconds;
  const graceSeconds =
    typeof given === 'number' && given < GRACE_SECONDS_MIN ? GRACE_SECONDS_MIN : undefined;
  const { resources, shared } = agentResources(pod, config);
  const agent = agentContainer({
    pod,
    redis: container,
    facts,
    password,
    policy,
    bootFence,
    group,
    mounts,
    mountEnv: [...textMirror.env, ...tlsMirror.env],
    httpPort,
    resources,
    graceSeconds,
    config,
  });
  const hasPreStop = (container.lifecycle?.preStop ?? undefined) !== undefined;
  const warnings = [
    ...policy.warnings,
    ...facts.warnings,
    ...flagsWarnings(container, image, command),
    ...password.warnings,
    ...account.warnings,
    ...(account.stripToken ? tokenWarnings(pod, redis.index) : []),
    ...textMirror.hidden.map((path) => reason('config-file-hidden', { path })),
    ...tlsMirror.hidden.map((path) => reason('tls-files-hidden', { path })),
    ...(bootFence.kind === 'none' ? [bootFence.why] : []),
    ...(hasPreStop ? [reason('prestop-kept')] : []),
    ...serviceWarnings(pod, agent),
    ...(shared.length === 0 ? [] : [reason('resources-shared', { names: shared.join(' and ') })]),
    ...(pod.spec?.hostNetwork === true ? [reason('host-network', { port: httpPort })] : []),
  ];
  const { volumes: added, errors } = newVolumes(pod, volumes);
  const changes = {
    containerIndex: redis.index,
    bootFence,
    native: config.nativeSidecar,
    volumes: added,
    preStop: hasPreStop
      ? undefined
      : { httpGet: { path: PRESTOP_PATH, port: httpPort, scheme: 'HTTP' } },
    serviceAccount: account.serviceAccount,
    stripToken: account.stripToken,
    graceSeconds,
  };
  const status = JSON.stringify({
    version: config.version,
    revision: REVISION,
    container: container.name,
    port: facts.port,
    tls: facts.tls !== undefined,
    auth: password.source,
    group,
    bootFence: bootFence.kind,
    containers: [AGENT_CONTAINER],
    volumes: added.map((volume) => volume.name),
    // Passwords that people write into arguments are in the agent's env: leave env out of the hash.
    hash: shortHash(
      JSON.stringify({ ...agent, env: (agent.env ?? []).map((entry) => entry.name) }),
    ),
    before: beforeOf(pod, changes),
  });
  const plan: Plan = {
    ...changes,
    containerName: container.name,
    group,
    agent,
    status,
  };
  return {
    plan,
    warnings,
    errors: [...policy.errors, ...groupErrors(pod), ...facts.errors, ...password.errors, ...errors],
  };
}

/** A config file in no volume is in the image: the agent cannot read it, so it gets no path. */
function visibleFacts(pod: Pod, facts: Facts, container: Container): Facts {
  const path = facts.configFile;
  if (path === undefined || mirrorFiles(pod, container, [path]).hidden.length === 0) return facts;
  const { configFile: _hidden, ...visible } = facts;
  return { ...visible, warnings: [...facts.warnings, reason('config-file-hidden', { path })] };
}

function uniqueVolumes(volumes: readonly Volume[]): readonly Volume[] {
  return [...new Map(volumes.map((volume) => [volume.name, volume])).values()];
}

/** By name *and* content: the person's volume of the same name must not be mounted instead. */
function newVolumes(
  pod: Pod,
  wanted: readonly Volume[],
): { volumes: readonly Volume[]; errors: readonly Reason[] } {
  const existing = new Map(list(pod.spec?.volumes).map((volume) => [volume.name, volume]));
  const isSame = (volume: Volume): boolean => sameContent(existing.get(volume.name), volume);
  const clashes = wanted.filter((volume) => existing.has(volume.name) && !isSame(volume));
  return {
    volumes: wanted.filter((volume) => !existing.has(volume.name)),
    errors: clashes.map(({ name }) => reason('name-taken', { kind: 'volume', name })),
  };
}
