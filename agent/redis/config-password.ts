// The password that a redis.conf sets, with the files that it includes: the last one wins, as in Redis.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf, OrchestratorError } from '../../src/errors.ts';
import { directives } from '../../src/redis-words.ts';

/** Redis itself stops at sixteen (7.0); nobody nests deeper on purpose. */
const INCLUDE_DEPTH_MAX = 16;

type Found = { requirepass?: string; masterauth?: string };

/** Relative names are resolved as Redis does, from its working directory: that of the first file, as a rule. */
function included(pattern: string, from: string): readonly string[] {
  const path = resolve(from, pattern);
  return /[*?[]/.test(path) ? globSync(path).sort() : [path];
}

function readInto(found: Found, text: string, from: string, depth: number): void {
  for (const [name, value = ''] of directives(text)) {
    if (name === 'requirepass' || name === 'masterauth') found[name] = value;
    else if (name === 'include' && depth < INCLUDE_DEPTH_MAX) {
      for (const path of included(value, from)) {
        // One that only Redis can read may still set none: where it does, Redis asks for a password, and
        // RO_REDIS_AUTH tells it.
        if (existsSync(path)) readInto(found, readFileSync(path, 'utf8'), from, depth + 1);
      }
    }
  }
}

/** Undefined where none is set. Throws RO_CONFIG_INVALID where the file cannot be read. */
export function configPassword(file: string): string | undefined {
  const found: Found = {};
  try {
    readInto(found, readFileSync(file, 'utf8'), dirname(file), 0);
  } catch (cause) {
    const message = `--redis-config-file: ${file}: ${messageOf(cause)}`;
    throw new OrchestratorError('RO_CONFIG_INVALID', message, { cause });
  }
  return found.requirepass || found.masterauth || undefined;
}
