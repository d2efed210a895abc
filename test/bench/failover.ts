// The bench of failovers: runs every chosen scenario on every chosen system, one after the other,
// and prints a table of the figures. `npm run bench:failover -- --help`.

import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { messageOf } from '../../src/errors.ts';
import { redisVersion } from '../harness/redis-server.ts';
import { Budget } from './budget.ts';
import { fill } from './dataset.ts';
import { type FaultRound, faultRound } from './fault-round.ts';
import { type Figures, figuresOf, type Result, type Round, table } from './figures.ts';
import { FlagError, HELP, type Options, readOptions } from './options.ts';
import { OurGroup } from './ours.ts';
import { SentinelGroup } from './sentinel.ts';
import { measureThroughService, serviceObstacle } from './service.ts';
import { switchoverRound } from './switchover-round.ts';
import { FAULTS, type PlannedSystem, type System, SYSTEMS, type SystemName } from './system.ts';

/** What one round takes, healing included, in seconds: for the expectation at the start alone. */
const ROUND_SECONDS = {
  ours: 8,
  sentinel1s: 16,
  sentinel30s: 50,
  switchover: 14,
  large: 60,
  service: 30,
};
const FAILED: Round = { ms: undefined, acknowledged: 0, lost: 0 };

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A group that is opened anew after a round that went wrong. */
class Stand<S extends System> {
  private readonly open: () => Promise<S>;
  private opened: S | undefined;

  constructor(open: () => Promise<S>) {
    this.open = open;
  }

  async use<R extends Round>(run: (system: S) => Promise<R>): Promise<R | Round> {
    let round: R | Round = FAILED;
    try {
      this.opened ??= await this.open();
      round = await run(this.opened);
    } catch (error) {
      say(`  FAILED: ${messageOf(error)}`);
    }
    if (round.ms === undefined) await this.close();
    return round;
  }

  async close(): Promise<void> {
    await this.opened?.close();
    this.opened = undefined;
  }
}

function openSystem(name: SystemName): () => Promise<System> {
  if (name === 'ours') return async () => await OurGroup.open();
  const downAfterMs = name === 'sentinel1s' ? 1000 : 30_000;
  return async () => await SentinelGroup.open(name, downAfterMs);
}

/** Runs the rounds, over several groups side by side where there are several. */
async function repeat<S extends System, R extends Round>(
  what: string,
  rounds: number,
  stands: readonly Stand<S>[],
  run: (system: S) => Promise<R>,
): Promise<(R | Round)[]> {
  const done: (R | Round)[] = [];
  let started = 0;
  const lane = async (stand: Stand<S>): Promise<void> => {
    while (started < rounds) {
      started++;
      const round = await stand.use(run);
      done.push(round);
      const time = round.ms === undefined ? 'failed' : `${round.ms.toFixed(1)} ms`;
      const { lost, acknowledged } = round;
      say(`${what} ${done.length}/${rounds}: ${time}, lost ${lost} of ${acknowledged}`);
    }
  };
  await Promise.all(stands.map(lane));
  return done;
}

type Run = { readonly options: Options; readonly result: Result };

function roundsOf({ rounds, rounds30s }: Options, system: SystemName): number {
  return system === 'sentinel30s' ? rounds30s : rounds;
}

async function faults({ options, result }: Run, name: SystemName): Promise<void> {
  const chosen = FAULTS.filter((fault) => options.only.has(fault));
  if (chosen.length === 0) return;
  const lanes = name === 'sentinel30s' ? Math.min(options.lanes, options.rounds30s) : 1;
  const stands = Array.from({ length: lanes }, () => new Stand(openSystem(name)));
  for (const fault of chosen) {
    const rounds = await repeat(
      `${fault} ${name}`,
      roundsOf(options, name),
      stands,
      async (system) => await faultRound(system, fault),
    );
    result[fault] = { ...result[fault], [name]: figuresOf(rounds) };
  }
  await Promise.all(stands.map(async (stand) => await stand.close()));
}

async function switchover({ options, result }: Run): Promise<void> {
  const stand = new Stand<PlannedSystem>(async () => await OurGroup.open());
  const writes = Math.ceil(options.writes / options.rounds);
  const run = async (system: PlannedSystem): Promise<Round> =>
    await switchoverRound(system, writes);
  const rounds = await repeat('switchover ours', options.rounds, [stand], run);
  await stand.close();
  result.switchover = { ours: figuresOf(rounds) };
}

async function large({ options, result }: Run, name: SystemName): Promise<void> {
  const stand = new Stand(async () => {
    const system = await openSystem(name)();
    await fill(system, options.largeMib);
    return system;
  });
  const run = async (system: System): Promise<FaultRound> => await faultRound(system, 'crash');
  const rounds = await repeat(`large ${name}`, options.roundsLarge, [stand], run);
  await stand.close();
  const fromClose = rounds.map((round) => ({
    ...round,
    ms: 'fromCloseMs' in round ? round.fromCloseMs : undefined,
  }));
  const all = result.large ?? { fromKill: {}, fromClose: {} };
  all.fromKill[name] = figuresOf(rounds);
  all.fromClose[name] = figuresOf(fromClose);
  result.large = all;
}

async function service({ options, result }: Run): Promise<void> {
  const obstacle = serviceObstacle();
  if (obstacle !== null) say(`service: NOT measured: ${obstacle}`);
  else result.service = await measureThroughService(options.rounds);
}

/** A run of its own: what the traces cost is in no figure. */
async function budget({ options }: Run): Promise<void> {
  const ours = await OurGroup.open({ agentEnv: { RO_LOG_LEVEL: 'debug' } });
  const kept = new Budget(ours);
  const stand = new Stand(() => Promise.resolve(ours));
  await repeat('budget ours', options.rounds, [stand], async (system) => {
    await system.healthy();
    kept.mark();
    const round = await faultRound(system, 'crash');
    kept.add(round);
    return round;
  });
  await stand.close();
  process.stdout.write(`Where the time of our crash goes, from the kill:\n${kept.table()}\n\n`);
}

function expectedMinutes(options: Options, systems: readonly SystemName[]): number {
  const kinds = FAULTS.filter((fault) => options.only.has(fault)).length;
  let seconds = options.only.has('budget') ? options.rounds * ROUND_SECONDS.ours : 0;
  for (const name of systems) {
    const lanes = name === 'sentinel30s' ? options.lanes : 1;
    seconds += (kinds * roundsOf(options, name) * ROUND_SECONDS[name]) / lanes;
    if (options.only.has('large')) seconds += options.roundsLarge * ROUND_SECONDS.large;
  }
  if (options.only.has('switchover')) seconds += options.rounds * ROUND_SECONDS.switchover;
  if (options.only.has('service')) seconds += options.rounds * ROUND_SECONDS.service;
  return Math.ceil(seconds / 60);
}

async function main(options: Options): Promise<number> {
  const systems = SYSTEMS.filter((name) => options.systems.has(name));
  const machine = { redis: redisVersion(), cores: cpus().length, at: new Date().toISOString() };
  const run: Run = { options, result: { machine } };
  say(`expected: about ${expectedMinutes(options, systems)} minutes; Redis ${machine.redis}`);
  for (const name of systems) await faults(run, name);
  if (options.only.has('switchover') && systems.includes('ours')) await switchover(run);
  if (options.only.has('service') && systems.includes('ours')) await service(run);
  if (options.only.has('large')) for (const name of systems) await large(run, name);
  if (options.only.has('budget')) await budget(run);
  process.stdout.write(`${table(run.result)}\n`);
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify(run.result, null, 2)}\n`);
  }
  const { crash, frozen, podKilled, switchover: planned } = run.result;
  const all: (Figures | undefined)[] = [crash?.ours, frozen?.ours, podKilled?.ours, planned?.ours];
  return all.some((figures) => (figures?.failed ?? 0) > 0) ? 1 : 0;
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(HELP);
  else process.exitCode = await main(options);
} catch (error) {
  if (!(error instanceof FlagError)) throw error;
  say(error.message);
  process.exitCode = 2;
}
