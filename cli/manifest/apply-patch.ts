// The operations of webhook/core/patch.ts on a value, as the API server applies them.

import type { PatchOperation } from '../../webhook/core/patch.ts';
import { type Fields, isMap } from '../../src/json.ts';
import { copyOf } from './plain.ts';

function keysOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A changed copy. */
export function applyPatch(value: unknown, operations: readonly PatchOperation[]): unknown {
  const root = copyOf(value);
  for (const operation of operations) {
    const keys = keysOf(operation.path);
    const last = keys.pop() ?? '';
    const holder = keys.reduce<unknown>((inner, key) => (inner as Fields | undefined)?.[key], root);
    if (Array.isArray(holder)) {
      const at = last === '-' ? holder.length : Number(last);
      if (operation.op === 'remove') holder.splice(at, 1);
      else if (operation.op === 'replace') holder[at] = copyOf(operation.value);
      else holder.splice(at, 0, copyOf(operation.value));
    } else if (isMap(holder)) {
      if (operation.op === 'remove') delete holder[last];
      else holder[last] = copyOf(operation.value);
    } else throw new Error(`there is neither a map nor a list at ${operation.path}`);
  }
  return root;
}
