// On which port Redis listens, as far as the pod tells.

import { POD_ANNOTATIONS } from '../../src/names.ts';
import { envOf, list, annotationsOf, type Container, type Pod } from './pod.ts';
import { literalEnv, mayComeFromSources, resolveText } from './environment.ts';
import { type Reason, reason } from './reasons.ts';
import { optionValue, type ServerOptions } from './server-arguments.ts';

const DEFAULT_PORT = 6379;

/** Variables that mean something only to images of Bitnami's kind, for both products. */
export function bitnamiEnv(container: Container, name: string): string | undefined {
  return literalEnv(container, `REDIS_${name}`, `VALKEY_${name}`);
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

export function plainPortOf(
  container: Container,
  server: ServerOptions,
  isBitnami: boolean,
): number | undefined {
  return (
    portFrom(container, optionValue(server, 'port')) ??
    (isBitnami ? portFrom(container, bitnamiEnv(container, 'PORT_NUMBER')) : undefined)
  );
}

export function tlsPortOf(
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

export function annotatedPort(pod: Pod, errors: Reason[]): number | undefined {
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
export function guessedPort(container: Container, isBlind: boolean, warnings: Reason[]): number {
  const declared = declaredPorts(container);
  const only = declared.length === 1 ? declared[0] : undefined;
  if (!isBlind) warnWhereDeclaredDiffers(container, DEFAULT_PORT, warnings);
  if (!isBlind || only === undefined || only === DEFAULT_PORT) return DEFAULT_PORT;
  warnings.push(reason('port-guessed', { port: only, annotation: POD_ANNOTATIONS.port }));
  return only;
}

export function warnWhereDeclaredDiffers(
  container: Container,
  port: number,
  warnings: Reason[],
): void {
  const declared = declaredPorts(container);
  if (declared.length > 0 && !declared.includes(port)) {
    warnings.push(reason('port-differs', { port, declared: declared.join(', ') }));
  }
}

/** A unix socket alone: neither the agent nor another pod reaches this Redis. */
export function hasNoPort(
  pod: Pod,
  container: Container,
  server: ServerOptions,
  isBitnami: boolean,
): boolean {
  // A file may open one: the command line says `port` of it, and nothing of `tls-port`.
  const hasFile = server.configFile !== undefined || server.options.has('include');
  const isSecured =
    optionValue(server, 'tls-port') !== undefined ||
    tlsPortOf(container, server, isBitnami) !== undefined;
  const isAnnotated = annotationsOf(pod)[POD_ANNOTATIONS.port] !== undefined;
  return plainPortOf(container, server, isBitnami) === 0 && !hasFile && !isSecured && !isAnnotated;
}
