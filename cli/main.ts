#!/usr/bin/env node
// The program redis-orchestrator: files, standard input and output, exit codes; no logic.

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf } from '../src/errors.ts';
import { EXIT, outcome } from './exit-codes.ts';
import { PROGRAM } from './help.ts';
import { world } from './live/terminal.ts';
import { run } from './run.ts';

async function read(name: string): Promise<Uint8Array> {
  if (name !== '-') return await readFile(name);
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}

// kubectl finds its plugins by the name of their file.
const isPlugin = basename(process.argv[1] ?? '').startsWith('kubectl-redis_orchestrator');
const program = isPlugin ? 'kubectl redis-orchestrator' : PROGRAM;

// Who reads may stop in between (head, less).
process.stdout.on('error', () => process.exit(EXIT.failed));
let result;
try {
  result = await run(process.argv.slice(2), process.env, read, { program, world: world() });
} catch (error) {
  result = outcome(EXIT.failed, '', [`redis-orchestrator: ${messageOf(error)}`]);
}
process.stderr.write(result.stderr);
process.stdout.write(result.stdout);
process.exitCode = result.code;
