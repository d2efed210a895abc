// What redis-server in the container will do, as far as the pod tells: port, address, TLS, config file and
// the like. No decision is taken here, nothing outside the pod is known here.

import { POD_ANNOTATIONS } from '../../src/names.ts';
import { readBind } from './bind.ts';
import type { Command } from './command.ts';
import { resolveText } from './environment.ts';
import type { Image } from './image.ts';
import type { Container, Pod } from './pod.ts';
import {
  annotatedPort,
  bitnamiEnv,
  guessedPort,
  plainPortOf,
  tlsPortOf,
  warnWhereDeclaredDiffers,
} from './ports.ts';
import { type Reason, reason } from './reasons.ts';
import { optionValue, type ServerOptions } from './server-arguments.ts';

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
  /** Where it is not localhost. */
  readonly host?: string;
  readonly tls?: Tls;
  readonly configFile?: string;
  readonly minReplicasToWrite?: string;
  readonly warnings: readonly Reason[];
  readonly errors: readonly Reason[];
};

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
  const plain = plainPortOf(container, server, isBitnami);
  const tlsPort = tlsPortOf(container, server, isBitnami);
  // Both ports open: follow what the person chose for replication; TLS only is TLS only.
  const isTls =
    tlsPort !== undefined && (plain === 0 || value('tls-replication') === 'yes' || isBitnami);
  const annotated = annotatedPort(pod, errors);
  const known = annotated ?? (isTls ? tlsPort : plain === 0 ? undefined : plain);
  const files = configFiles(container, server);
  const { configFile } = files;
  // Also where it is written, in a variable whose value is not visible.
  const isHidden = [value('port'), value('tls-port')].some((text) => text !== undefined);
  const isBlind = known === undefined && (isHidden || files.isAny || command.kind === 'opaque');
  const port = known ?? guessedPort(container, isBlind, warnings);
  if (known === undefined && isHidden && warnings.length === 0) {
    warnings.push(reason('port-hidden', { port, annotation: POD_ANNOTATIONS.port }));
  }
  if (known !== undefined) warnWhereDeclaredDiffers(container, port, warnings);
  const { host, warnings: bindWarnings } = readBind(container, server);
  warnings.push(...bindWarnings, ...files.warnings);
  const minReplicas = value('min-replicas-to-write') ?? value('min-slaves-to-write');
  const tls = isTls ? tlsOf(container, server, isBitnami) : undefined;
  if (tls !== undefined) warnings.push(...tlsWarnings(server, tls));
  return {
    server,
    port,
    ...(host === undefined ? {} : { host }),
    ...(tls === undefined ? {} : { tls }),
    ...(configFile === undefined ? {} : { configFile }),
    ...(minReplicas !== undefined && /^\d+$/.test(minReplicas)
      ? { minReplicasToWrite: minReplicas }
      : {}),
    warnings,
    errors,
  };
}

type ConfigFiles = {
  readonly configFile?: string;
  /** Also one that cannot be read from here. */
  readonly isAny: boolean;
  readonly warnings: readonly Reason[];
};

/** The agent reads one file, for the password in it. */
function configFiles(container: Container, server: ServerOptions): ConfigFiles {
  const first = server.configFile;
  const included = server.options.get('include')?.[0];
  const written = first ?? included;
  if (written === undefined) return { isAny: false, warnings: [] };
  const path = resolveText(container, written);
  // Redis takes a pattern for an include, and a shell's variable is known to the shell alone.
  const isPattern = first === undefined && /[*?[$]/.test(path ?? '');
  const isRead = included === undefined || (first === undefined && !isPattern);
  return {
    isAny: true,
    ...(path === undefined || isPattern ? {} : { configFile: path }),
    warnings: isRead ? [] : [reason('include-unread', { path: included.slice(0, 40) })],
  };
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

/** The agent has a file of authorities and a key that anybody can read who has it. */
function tlsWarnings(server: ServerOptions, tls: Tls): readonly Reason[] {
  const isFolderOnly = server.options.has('tls-ca-cert-dir') && tls.caFile === undefined;
  const isLocked = server.options.has('tls-key-file-pass') && tls.wantsClientCert;
  return [
    ...(isFolderOnly ? [reason('tls-option-unknown', { option: 'tls-ca-cert-dir' })] : []),
    ...(isLocked ? [reason('tls-option-unknown', { option: 'tls-key-file-pass' })] : []),
  ];
}

function fileOf(container: Container, text: string | undefined): string | undefined {
  return text === undefined ? undefined : resolveText(container, text);
}
