// The simulator over many new schedules: none may violate an invariant, and each group must have a
// writable, labelled master again after the last fault.

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

const SCHEDULES = process.env['RO_SIM_SCHEDULES'] ?? '100000';
/** So many of its last lines tell why it ended. */
const LAST = 12;
/** So many hexadecimal digits as make a seed. */
const DIGITS = 7;
/** What of the agent no schedule runs: its page, its server, and what Prometheus reads. */
const NOT_SIMULATED = /\tagent\/(?:ui|http|metrics)\//;

/**
 * Others for each change of the agent, so that it is judged by schedules that nobody has seen, and the same again
 * for the same agent: a run that failed can be repeated. Outside a repository the day stands for it.
 */
function newSeed(): string {
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  try {
    const options = { cwd: import.meta.dirname, encoding: 'utf8' } as const;
    const files = execFileSync(
      'git',
      ['ls-tree', '-r', '--full-tree', 'HEAD', 'agent'],
      options,
    ).split('\n');
    const simulated = files.filter((line) => !NOT_SIMULATED.test(line)).join('\n');
    const digest = createHash('sha1').update(simulated).digest('hex');
    return String(Number.parseInt(digest.slice(0, DIGITS), 16));
  } catch {
    return day;
  }
}
const SEED = process.env['RO_SIM_SEED'] ?? newSeed();

await t.test(`${SCHEDULES} schedules from seed ${SEED} on violate no invariant`, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ro-sim-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const json = join(folder, 'result.json');
  const main = join(import.meta.dirname, 'main.ts');
  const lines: string[] = [];
  const ended = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [main, '--schedules', SCHEDULES, '--seed', SEED, '--json', json],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const keep = (data: Buffer): void => {
      for (const line of data.toString().split('\n')) if (line !== '') lines.push(line);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
  if (ended !== 0) for (const line of lines) t.comment(line);
  if (!existsSync(json)) {
    // What no schedule may do either: end the simulator itself.
    t.fail(
      `the simulator ended with ${ended} before its result: ${lines.slice(-LAST).join(' | ')}`,
    );
    return;
  }
  const result = JSON.parse(readFileSync(json, 'utf8')) as {
    readonly schedules: number;
    readonly seed: number;
    readonly violations: number;
    readonly schedulesPerSecond: number;
    readonly promotions: number;
  };
  const { schedules, seed, schedulesPerSecond } = result;
  t.comment(`seed ${seed}: ${schedules} schedules, ${schedulesPerSecond} per second`);
  t.equal(result.violations, 0, `seed ${seed}`);
  t.equal(schedules, Number(SCHEDULES));
  t.ok(result.promotions > schedules / 10, 'the faults bring about failovers');
  t.equal(ended, 0);
});
