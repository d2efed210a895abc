// The core scenarios with every version of Redis and Valkey and every setting (scenarios 1, 2, 5, 35):
// a group starts, its master is killed, its next master's pod is deleted, and with an AOF all of it
// crashes. RO_REDIS_VERSIONS=all runs every cell of the matrix; else each version and each setting is
// shown once.

import t, { type Test } from 'tap';
import type { Group } from '../harness/group.ts';
import { redisTlsFiles } from '../harness/certificates.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { redisCommand } from '../harness/redis-client.ts';
import { redisServer, REDIS_VERSIONS } from '../harness/redis-versions.ts';
import { groupWith, strangerTo } from '../harness/redis-settings.ts';
import { redisVersion } from '../harness/redis-server.ts';
import { recordCell } from '../harness/results.ts';
import { openStage, type Scenario, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';
import {
  ALL_CELLS,
  type Cell,
  cellName,
  type CellResult,
  isUsual,
  MATRIX_HEAD,
  matrixRow,
  type Outcome,
} from '../matrix.ts';

const CELLS_AT_ONCE = 2;
/** Bound of a single time, where other work may hold both cores. */
const BUSY_MACHINE_MS = 4000;

t.setTimeout(1_800_000);
t.jobs = CELLS_AT_ONCE;
const stage = await openStage(t);
const tls = await redisTlsFiles(stage.workspace.folder('tls'));
const servers = new Map(REDIS_VERSIONS.map((version) => [version, redisServer(version)]));
const results = new Map<Cell, CellResult>();

/** Counts what each fault loses, apart from what the faults before it had lost. */
class Losses {
  private readonly scenario: Scenario;
  private readonly known = new Set<string>();

  constructor(scenario: Scenario) {
    this.scenario = scenario;
  }

  /** Nothing may be missing from before `mayLoseAfterMs`; without it, nothing at all. */
  async count(t: Test, what: string, master: Pod, mayLoseAfterMs = Infinity): Promise<number> {
    const missing = await this.scenario.writer.lost(master.ip);
    const lost = missing.filter(({ key }) => !this.known.has(key));
    for (const { key } of lost) this.known.add(key);
    const early = lost.filter(({ sentMs }) => sentMs < mayLoseAfterMs);
    t.equal(early.length, 0, `${what}: nothing is lost that was to be kept`);
    return lost.length;
  }
}

async function failover(
  t: Test,
  scenario: Scenario,
  losses: Losses,
  master: Pod,
): Promise<[Pod, Outcome]> {
  const mark = performance.now();
  master.redis.signal('SIGKILL');
  const recoveryMs = await scenario.recovery('Redis killed', mark, 20_000, master);
  t.ok(recoveryMs < BUSY_MACHINE_MS, 'writes are acknowledged again soon');
  // All others follow it, the one that came back among them.
  const next = await oneMaster(scenario.group, { not: master });
  const lost = await losses.count(t, 'failover', next, mark - UNREPLICATED_MS);
  return [next, { ms: Math.round(recoveryMs), lost }];
}

async function handover(
  t: Test,
  scenario: Scenario,
  losses: Losses,
  master: Pod,
): Promise<[Pod, Outcome]> {
  const { group } = scenario;
  await scenario.busy();
  const mark = performance.now();
  await master.delete();
  group.forget(master);
  await scenario.busy();
  const pauseMs = scenario.writer.largestGapMs(mark);
  t.comment(`handed over: writes paused for ${pauseMs.toFixed(0)} ms`);
  t.ok(pauseMs < BUSY_MACHINE_MS, 'the pause is short');
  const next = await oneMaster(group);
  const lost = await losses.count(t, 'hand-over', next);
  await group.create(master.name);
  const after = await oneMaster(group);
  t.equal(after.name, next.name, 'the pod that comes back does not take the role');
  return [after, { ms: Math.round(pauseMs), lost }];
}

async function crashOfAll(
  t: Test,
  scenario: Scenario,
  losses: Losses,
  group: Group,
): Promise<[Pod, Outcome]> {
  await scenario.busy();
  const mark = performance.now();
  for (const pod of group.pods) {
    pod.redis.signal('SIGKILL');
    pod.agent.signal('SIGKILL');
  }
  const recoveryMs = await scenario.recovery('all crashed', mark, 40_000);
  const master = await oneMaster(group, { timeoutMs: 40_000 });
  const lost = await losses.count(t, 'crash of all', master);
  return [master, { ms: Math.round(recoveryMs), lost }];
}

async function runCell(t: Test, cell: Cell, program: string): Promise<void> {
  const tell = (more: Partial<CellResult>): void => {
    const known = results.get(cell) ?? { ...cell, server: serverName(program), passed: false };
    results.set(cell, { ...known, ...more });
  };
  tell({});
  const options = { ...groupWith(cell.setting, tls), program };
  const started = performance.now();
  const { scenario, group, master } = await startScenario(t, stage, options);
  t.comment(`in sync after ${(performance.now() - started).toFixed(0)} ms`);
  const stranger = strangerTo(cell.setting);
  if (stranger !== undefined) {
    await t.rejects(redisCommand(master.ip, stranger, 'PING'), 'a stranger is kept out');
  }
  const losses = new Losses(scenario);
  const began = performance.now();

  const [second, failedOver] = await failover(t, scenario, losses, master);
  tell({ failover: failedOver });
  let [last, outcome] = await handover(t, scenario, losses, second);
  tell({ handover: outcome });
  if (cell.setting === 'AOF') {
    [last, outcome] = await crashOfAll(t, scenario, losses, group);
    tell({ crash: outcome });
  }
  await scenario.end(last, { mayLoseAfterMs: began - UNREPLICATED_MS });
  tell({ passed: t.passing(), acknowledged: scenario.writer.ledger.length });
}

function serverName(program: string): string {
  return `${program.includes('valkey') ? 'Valkey' : 'Redis'} ${redisVersion(program)}`;
}

const isWhole = process.env['RO_REDIS_VERSIONS'] === 'all';
const chosen = ALL_CELLS.filter((cell) => isWhole || isUsual(cell));

await Promise.all(
  chosen.map(async (cell) => {
    const server = servers.get(cell.version);
    if (server === undefined || 'whyNot' in server) {
      const skip = `NO ${cell.version} CAN BE HAD HERE: ${server?.whyNot}`;
      process.stderr.write(`${skip}\n`);
      await t.test(cellName(cell), { skip }, () => undefined);
      return;
    }
    await t.test(cellName(cell), { buffered: true }, async (t) => {
      await runCell(t, cell, server.program);
    });
  }),
);
const others = ALL_CELLS.length - chosen.length;
if (others > 0) {
  const skip = 'they take minutes: RO_REDIS_VERSIONS=all runs them';
  await t.test(`the other ${others} cells of the matrix`, { skip }, () => undefined);
}

const rows = [MATRIX_HEAD, ...chosen.flatMap((cell) => results.get(cell) ?? []).map(matrixRow)];
for (const row of rows) t.comment(row.map((text) => text.padEnd(15)).join(''));
for (const result of results.values()) recordCell(result);
