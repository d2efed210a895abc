// What redis-server in the container will do, as far as the pod tells: port, TLS, config file and
// the like. No decision is taken here, nothing outside the pod is known here.

import { POD_ANNOTATIONS } from '../../src/names.ts';
import type { Command } from './command.ts';
import { literalEnv, mayComeFromSources, resolveText } from './environment.ts';
import type { Image } from './image.ts';
import { annotationsOf, type Container, envOf, list, type Pod } from './pod.ts';
import { type Reason, reason } from './reasons.ts';
import { optionValue, readServerArguments, type ServerOptions } from './server-arguments.ts';

type Tls = {
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly caFile?: string;
  /** Redis asks its clients for a certificate. */
  readonly wantsClientCert: boolean;
};

export type Facts = {
  readonly server: ServerOptions;
  readonly port: number;
  readonly tls?: Tls;
  readonly configFile?: string;
  readonly minReplicasToWrite?: string;
  readonly warnings: readonly Reason[];
  readonly errors: readonly Reason[];
};

const DEFAULT_PORT = 6379;
/** Variables that mean something only to images of Bitnami's kind, for both products. */
const bitnamiEnv = (container: Container, name: string): string | undefined =>
  literalEnv(container, `REDIS_${name}`, `VALKEY_${name}`);

/** Options from the command line, or from the variable that the image family turns into one. */
export function serverOptions(container: Container, image: Image, command: Command): ServerOptions {
  const server = command.kind === 'no-server' ? readServerArguments([]) : command.server;
  const name =
    image.family === 'stack' ? 'ARGS' : image.family === 'bitnami' ? 'EXTRA_FLAGS' : undefined;
  const extra = name === undefined ? undefined : bitnamiEnv(container, name);
  if (extra === undefined) return server;
  const added = readServerArguments(extra.split(/\s+/).filter((word) => word !== ''));
  return { ...server, options: new Map([...added.options, ...server.options]) };
}

/** A port number from text that may hold `$(VAR)`, `$VAR`, `${VAR}` or `${VAR:-6380}`. */
function portFrom(container: Container, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, name, fallback] = /^\$\{?(\w+)(?::?-(\d+))?\}?$/.exec(text) ?? [];
  const isAbsent =
    name !== undefined &&
    envOf(container, name) === undefined &&
    !mayComeFromSources(container, name);
  const written = isAbsent && fallback !== undefined ? fallback : text;
  const resolved = resolveText(container, name === undefined ? text : `$(${name})`);
  const port = isAbsent ? written : resolved;
  return port !== undefined && /^\d{1,5}$/.test(port) ? Number(port) : undefined;
}

export function readFacts(
  pod: Pod,
  container: Container,
  image: Image,
  command: Command,
  server: ServerOptions,
): Facts {
  const warnings: Reason[] = [];
  const errors: Reason[] = [];
  const isBitnami = image.family === 'bitnami';
  const value = (name: string): string | undefined => optionValue(server, name);
  const plain =
    portFrom(container, value('port')) ??
    (isBitnami ? portFrom(container, bitnamiEnv(container, 'PORT_NUMBER')) : undefined);
  const tlsPort = tlsPortOf(container, server, isBitnami);
  // Both ports open: follow what the person chose for replication; TLS only is TLS only.
  const isTls =
    tlsPort !== undefined && (plain === 0 || value('tls-replication') === 'yes' || isBitnami);
  const annotated = annotatedPort(pod, errors);
  const known = annotated ?? (isTls ? tlsPort : plain === 0 ? undefined : plain);
  const configFile =
    server.configFile === undefined ? undefined : resolveText(container, server.configFile);
  // Also where it is written, in a variable whose value is not visible.
  const isHidden = [value('port'), value('tls-port')].some((text) => text !== undefined);
  const isBlind =
    known === undefined && (isHidden || configFile !== undefined || command.kind === 'opaque');
  const port = known ?? guessedPort(container, isBlind, warnings);
  if (known === undefined && isHidden && warnings.length === 0) {
    warnings.push(reason('port-hidden', { port, annotation: POD_ANNOTATIONS.port }));
  }
  if (known !== undefined) warnWhereDeclaredDiffers(container, port, warnings);
  const bind = server.options.get('bind') ?? [];
  if (bind.length > 0 && bind.every((address) => /^-?(127\.|::1$|localhost$)/.test(address))) {
    warnings.push(reason('bind-loopback', { value: bind.join(' ') }));
  }
  const minReplicas = value('min-replicas-to-write') ?? value('min-slaves-to-write');
  return {
    server,
    port,
    ...(isTls ? { tls: tlsOf(container, server, isBitnami) } : {}),
    ...(configFile === undefined ? {} : { configFile }),
    ...(minReplicas !== undefined && /^\d+$/.test(minReplicas)
      ? { minReplicasToWrite: minReplicas }
      : {}),
    warnings,
    errors,
  };
}

function annotatedPort(pod: Pod, errors: Reason[]): number | undefined {
  const text = annotationsOf(pod)[POD_ANNOTATIONS.port];
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 1 && port <= 65_535) return port;
  errors.push(
    reason('annotation-invalid', {
      annotation: POD_ANNOTATIONS.port,
      value: text.slice(0, 20),
      remedy: 'a port, 1 to 65535',
    }),
  );
  return undefined;
}

/** Ports that a client of Redis could use, not those of our own names or of metrics. */
function declaredPorts(container: Container): readonly number[] {
  return list(container.ports)
    .filter((port) => !/metric|http|export|bus|gossip|sentinel/.test(port.name ?? ''))
    .map((port) => port.containerPort);
}

/** Where a config file hides the port, the one declared port is better than the default. */
function guessedPort(container: Container, isBlind: boolean, warnings: Reason[]): number {
  const declared = declaredPorts(container);
  const only = declared.length === 1 ? declared[0] : undefined;
  if (!isBlind) warnWhereDeclaredDiffers(container, DEFAULT_PORT, warnings);
  if (!isBlind || only === undefined || only === DEFAULT_PORT) return DEFAULT_PORT;
  warnings.push(reason('port-guessed', { port: only, annotation: POD_ANNOTATIONS.port }));
  return only;
}

function warnWhereDeclaredDiffers(container: Container, port: number, warnings: Reason[]): void {
  const declared = declaredPorts(container);
  if (declared.length > 0 && !declared.includes(port)) {
    warnings.push(reason('port-differs', { port, declared: declared.join(', ') }));
  }
}

function tlsPortOf(
  container: Container,
  server: ServerOptions,
  isBitnami: boolean,
): number | undefined {
  const fromOption = portFrom(container, optionValue(server, 'tls-port'));
  if (fromOption !== undefined) return fromOption === 0 ? undefined : fromOption;
  if (!isBitnami || bitnamiEnv(container, 'TLS_ENABLED') !== 'yes') return undefined;
  const text = bitnamiEnv(container, 'TLS_PORT_NUMBER') ?? bitnamiEnv(container, 'TLS_PORT');
  return portFrom(container, text) ?? DEFAULT_PORT;
}

function tlsOf(container: Container, server: ServerOptions, isBitnami: boolean): Tls {
  const file = (option: string, variable: string): string | undefined =>
    fileOf(container, optionValue(server, option)) ??
    (isBitnami ? bitnamiEnv(container, variable) : undefined);
  const certFile = file('tls-cert-file', 'TLS_CERT_FILE');
  const keyFile = file('tls-key-file', 'TLS_KEY_FILE');
  const caFile = file('tls-ca-cert-file', 'TLS_CA_FILE');
  const clients =
    optionValue(server, 'tls-auth-clients') ??
    (isBitnami ? bitnamiEnv(container, 'TLS_AUTH_CLIENTS') : undefined);
  return {
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(caFile === undefined ? {} : { caFile }),
    wantsClientCert: clients !== 'no',
  };
}

function fileOf(container: Container, text: string | undefined): string | undefined {
  return text === undefined ? undefined : resolveText(container, text);
}
