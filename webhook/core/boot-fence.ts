// The boot fence: Redis starts as a replica of nobody, so that an instance that restarts is never
// born a writable master, and cannot wipe its replicas. Appended only where the command line is
// understood; the last argument wins over the file and over earlier ones.

import { mayComeFromSources } from './environment.ts';
import { envOf, list } from './pod.ts';
import { FENCE_HOST } from './ownership.ts';
import type { RedisContainer } from './find-container.ts';
import { type Reason, reason } from './reasons.ts';
import { flagsVariable } from './server-options.ts';
import type { ServerOptions } from './server-arguments.ts';

export const FENCE_WORDS = ['--replicaof', FENCE_HOST, '1', '--replica-read-only', 'yes'] as const;

export type BootFence =
  | { readonly kind: 'arguments'; readonly words: readonly string[] }
  /** In the variable, too, because the image puts its options behind the arguments. */
  | {
      readonly kind: 'arguments-and-variable';
      readonly words: readonly string[];
      readonly name: string;
      readonly value: string;
    }
  | { readonly kind: 'shell'; readonly field: 'command' | 'args'; readonly index: number }
  | { readonly kind: 'variable'; readonly name: string; readonly value: string }
  /** It stands there already. */
  | { readonly kind: 'present' }
  | { readonly kind: 'none'; readonly why: Reason };

export function planBootFence(redis: RedisContainer, server: ServerOptions): BootFence {
  const { command, container } = redis;
  if (server.options.get('replicaof')?.[0] === FENCE_HOST) return { kind: 'present' };
  const absent = (): BootFence => ({
    kind: 'none',
    why: reason('boot-fence-absent', { container: container.name }),
  });
  // Redis takes `-` for its standard input as the last word alone: with ours behind it, it would not start.
  if (server.endsInStandardInput) return absent();
  switch (command.kind) {
    case 'arguments': {
      const isEmpty = list(container.command).length + list(container.args).length === 0;
      const words = [...(isEmpty ? command.prefix : []), ...FENCE_WORDS];
      const variable = flagsVariable(container, redis.image, command);
      const isHidden = (variable?.entry.valueFrom ?? undefined) !== undefined;
      if (variable?.isLast !== true || isHidden) return { kind: 'arguments', words };
      const { name, entry } = variable;
      return { kind: 'arguments-and-variable', words, name, value: withFence(entry.value) };
    }
    case 'shell':
      return { kind: 'shell', field: command.field, index: command.index };
    case 'image':
      return byVariable(redis);
    case 'opaque':
    case 'no-server':
      return absent();
  }
}

function byVariable({ container, image }: RedisContainer): BootFence {
  const product = image.product === 'valkey' ? 'VALKEY' : 'REDIS';
  const name = image.family === 'stack' ? 'REDIS_ARGS' : `${product}_EXTRA_FLAGS`;
  const entry = envOf(container, name);
  // The content of a Secret or ConfigMap is not visible, so nothing can be appended to it; and an entry of
  // ours would replace what `envFrom` may supply.
  const isSupplied = entry === undefined && mayComeFromSources(container, name);
  if (isSupplied || (entry?.valueFrom ?? undefined) !== undefined) {
    return { kind: 'none', why: reason('boot-fence-hidden', { name }) };
  }
  return { kind: 'variable', name, value: withFence(entry?.value) };
}

function withFence(given = ''): string {
  return [given, ...FENCE_WORDS].filter((word) => word !== '').join(' ');
}
