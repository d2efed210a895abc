// The bench of people: switchovers by the command line program, scrapes, open pages, on a group of three.
// `npm run bench:people -- --help`.

import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import { agentProgram } from '../harness/agent-program.ts';
import type { Pod } from '../harness/pod.ts';
import { redisVersion } from '../harness/redis-server.ts';
import { FlagError } from './options.ts';
import { OurGroup } from './ours.ts';
import {
  pageFigures,
  type PeopleResult,
  scrapeFigures,
  switchoverFigures,
} from './people-figures.ts';
import { PEOPLE_HELP, type PeopleOptions, readPeopleOptions } from './people-options.ts';
import { measurePages } from './people-pages.ts';
import { measureScrapes } from './people-scrapes.ts';
import { type Asked, askedSwitchover, operatorOf } from './people-switchover.ts';
import { peopleTables } from './people-tables.ts';
import { load } from './process-cost.ts';

/** A machine that has just started a control plane is not at rest. */
const SETTLING_MS = 20_000;
const SAMPLE_MS = 5000;
/** One after the other: a group that does not come back fails all that follow, each after minutes. */
const FAILURES_MAX = 3;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function switchovers(ours: OurGroup, options: PeopleOptions): Promise<readonly Asked[]> {
  const operator = await operatorOf(ours);
  const writes = Math.ceil(options.writes / options.switchovers);
  const rounds: Asked[] = [];
  const isHopeless = (): boolean =>
    rounds.length >= FAILURES_MAX &&
    rounds.slice(-FAILURES_MAX).every(({ fault }) => fault !== undefined);
  while (rounds.length < options.switchovers && !isHopeless()) {
    const round = await askedSwitchover(ours, operator, writes);
    rounds.push(round);
    const { printedMs, changeMs, ms, commandMs, lost = 0, acknowledged = 0, fault } = round;
    const text = (time: number | undefined): string => time?.toFixed(1) ?? '?';
    say(
      `switchover ${rounds.length}/${options.switchovers}: printed ${printedMs ?? '?'} ms, clients ` +
        `${text(changeMs)} (longest gap ${text(ms)}), command ${text(commandMs)}, ` +
        `lost ${lost} of ${acknowledged}${fault === undefined ? '' : `; FAILED: ${fault}`}`,
    );
  }
  if (isHopeless()) say(`given up after ${rounds.length} of ${options.switchovers} switchovers`);
  return rounds;
}

/** The one that has most to tell: its group's metrics are the master's. */
async function masterOf(ours: OurGroup): Promise<Pod> {
  const master = ours.pod(await ours.healthy());
  await pause(SETTLING_MS);
  return master;
}

async function measure(options: PeopleOptions, result: PeopleResult): Promise<void> {
  const { only } = options;
  if (only.has('switchover')) {
    const ours = await OurGroup.open({ asOnCluster: true });
    try {
      result.switchover = switchoverFigures(await switchovers(ours, options));
    } finally {
      await ours.close();
    }
  }
  if (!only.has('scrapes') && !only.has('pages')) return;
  // Agents that have done nothing else yet: their memory is that of the idle bench.
  const ours = await OurGroup.open({ asOnCluster: true });
  try {
    const master = await masterOf(ours);
    const term = (await ours.group.lease())?.term;
    if (only.has('scrapes')) {
      result.scrapes = scrapeFigures(await measureScrapes(master, options, say));
    }
    if (only.has('pages')) {
      result.pages = pageFigures(await measurePages(ours, master, options, say));
    }
    if ((await ours.group.lease())?.term !== term) {
      throw new Error('the master changed meanwhile: the figures are of no use');
    }
  } finally {
    await ours.close();
  }
}

function faultsOf({ switchover, scrapes, pages }: PeopleResult): readonly string[] {
  return [switchover, scrapes, pages].flatMap((part) => part?.faults ?? []);
}

async function main(options: PeopleOptions): Promise<number> {
  if (!agentProgram().endsWith('.mjs')) {
    throw new FlagError('the bundle is missing or old', 'run "npm run build"');
  }
  const machine = {
    cores: cpus().length,
    node: process.version,
    redis: redisVersion(),
    at: new Date().toISOString(),
    load: load(),
  };
  const result: PeopleResult = { machine };
  const timer = setInterval(() => {
    machine.load = Math.max(machine.load, load());
  }, SAMPLE_MS);
  const faults: string[] = [];
  try {
    await measure(options, result);
  } catch (error) {
    // What was measured before it is told all the same.
    faults.push(messageOf(error));
  } finally {
    clearInterval(timer);
  }
  process.stdout.write(`${peopleTables(result)}\nload of the machine: up to ${machine.load}\n`);
  faults.push(...faultsOf(result));
  for (const fault of faults) process.stdout.write(`FAILED: ${fault}\n`);
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ ...result, faults }, null, 2)}\n`);
  }
  return faults.length === 0 ? 0 : 1;
}

try {
  const options = readPeopleOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(PEOPLE_HELP);
  else process.exitCode = await main(options);
} catch (error) {
  if (!(error instanceof FlagError)) throw error;
  say(error.message);
  process.exitCode = 2;
}
