// The time until clients of a Service write again, by the label and by the fast route, as JSON:
//
//   npm run bench:service -- --json FILE --rounds N
//   RO_E2E_CLUSTER=dev npm run bench:service      on that cluster, which is left alone

import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { REPOSITORY } from '../harness/programs.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'string', default: 'service.json' },
    rounds: { type: 'string', default: '30' },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds: write a whole number');

const args = [join(REPOSITORY, 'test/e2e/run.ts'), 'test/e2e/fast-route.test.ts'];
const env = {
  ...process.env,
  RO_E2E_ROUNDS: String(rounds),
  RO_E2E_SERVICE_JSON: resolve(values.json),
};
const child = spawn(process.execPath, args, { cwd: REPOSITORY, env, stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
child.once('close', (code) => {
  process.exitCode = code ?? 1;
});
