// Where Redis listens: who reaches it, and by which address its own agent does.

import { DOWNWARD_FIELDS } from './downward.ts';
import { referencesIn, resolveText } from './environment.ts';
import { type Container, envOf } from './pod.ts';
import { type Reason, reason } from './reasons.ts';
import type { ServerOptions } from './server-arguments.ts';

export type Bind = {
  /** For the agent, where localhost does not lead to Redis. */
  readonly host?: string;
  readonly warnings: readonly Reason[];
};

const LOOPBACK = /^(127\.|::1$|localhost$)/;
const EVERYWHERE = /^(\*|0\.0\.0\.0|::|::\*)$/;
const ADDRESS = /^[\da-f.:]+$/i;
/** More of them Redis refuses [CONFIG_BINDADDR_MAX]. */
const ADDRESSES_MAX = 16;
/** In the agent's environment it is defined before (agent-container.ts). */
const POD_IP = '$(POD_IP)';

export function readBind(container: Container, server: ServerOptions): Bind {
  const words = server.options.get('bind') ?? [];
  // A dash says that an address may be absent; several addresses may stand in one word.
  const addresses = words
    .flatMap((word) => word.match(/\$\([^()]{0,80}\)|\S+/g) ?? [])
    .slice(0, ADDRESSES_MAX)
    .map((word) => (resolveText(container, word) ?? word).replace(/^-/, ''))
    .filter((word) => word !== '');
  if (addresses.length === 0) return { warnings: [] };
  const value = words.join(' ').slice(0, 50);
  if (addresses.every((address) => LOOPBACK.test(address))) {
    return { warnings: [reason('bind-loopback', { value })] };
  }
  if (addresses.some((address) => LOOPBACK.test(address) || EVERYWHERE.test(address))) {
    return { warnings: [] };
  }
  const host = addresses.map((address) => hostOf(container, address)).find(isText);
  return host === undefined
    ? { warnings: [reason('bind-unknown', { value })] }
    : { host, warnings: [] };
}

function isText(value: string | undefined): value is string {
  return value !== undefined;
}

/** By Kubernetes's variable or the shell's, or as scripts ask for the address of their pod. */
function hostOf(container: Container, address: string): string | undefined {
  if (ADDRESS.test(address)) return address;
  if (/^\$\(hostname\s+-[iI]\)$/.test(address)) return POD_IP;
  const name = referencesIn(address)[0] ?? /^\$\{?(\w+)\}?$/.exec(address)?.[1];
  if (name === undefined) return undefined;
  const literal = resolveText(container, `$(${name})`);
  if (literal !== undefined) return ADDRESS.test(literal) ? literal : undefined;
  const field = envOf(container, name)?.valueFrom?.['fieldRef'] as
    | { fieldPath?: string }
    | undefined;
  return field?.fieldPath === DOWNWARD_FIELDS['POD_IP'] ? POD_IP : undefined;
}
