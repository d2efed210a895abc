// npm run soak -- --hours N: random faults on one group, one after the other, with writing clients.
// After each: one master, followed by all; nothing lost that may not be; never two that acknowledge.

import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { createAgentAccount } from '../harness/agent-account.ts';
import { imageFlags } from '../harness/agent-program.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { Group } from '../harness/group.ts';
import { groupPicture, oneMaster } from '../harness/one-master.ts';
import { openPodNetwork } from '../harness/pod-network.ts';
import { redisVersion } from '../harness/redis-server.ts';
import { seeded } from '../harness/seeded.ts';
import { Workspace } from '../harness/workspace.ts';
import { FAULTS, type Fault, type Pick } from './faults.ts';
import { FLAT_MIB_PER_HOUR, Memory } from './memory.ts';
import { type Outcome, playRound } from './round.ts';

const USAGE = `npm run soak -- [--hours N] [--seed N] [--json FILE] [--only TEXT]

  --hours N    how long (default 1; 0.05 is three minutes)
  --seed N     repeats the faults of another run (default: a random one, printed)
  --json FILE  rounds, memory samples and the summary
  --only TEXT  faults whose name contains it
`;

const { values: flags } = parseArgs({
  options: {
    hours: { type: 'string', default: '1' },
    seed: { type: 'string' },
    json: { type: 'string' },
    only: { type: 'string' },
    help: { type: 'boolean' },
  },
});

/** The first minutes of each hour have all faults, the others those that leave the agents alive, so
 * that the memory of agents that live through hundreds of faults is seen as well. */
const HOUR_MS = 3_600_000;
const FAULTS_OF_ALL_MS = 10 * 60_000;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function pickOf(seed: number): Pick {
  const next = seeded(seed);
  return {
    one: (list) => {
      const chosen = list[Math.floor(next() * list.length)];
      if (chosen === undefined) throw new Error('there is nothing to choose from');
      return chosen;
    },
    between: (from, to) => Math.round(from + next() * (to - from)),
  };
}

async function soak(workspace: Workspace): Promise<boolean> {
  const hours = Number(flags.hours);
  const seed = flags.seed === undefined ? randomInt(2 ** 31) : Number(flags.seed);
  if (!(hours > 0) || !Number.isInteger(seed)) throw new Error('--hours and --seed are numbers');
  const pick = pickOf(seed);
  say(`soak of ${hours} h with seed ${seed}, Redis ${redisVersion()}`);
  const network = await openPodNetwork(workspace);
  const controlPlane = await startControlPlane(workspace, { address: network.apiAddress });
  const account = await createAgentAccount(controlPlane, 'soak');
  const group = new Group(controlPlane, account, network, {
    persistence: 'aof',
    graceSeconds: 10,
    node: { program: process.execPath, flags: imageFlags() },
  });
  await group.scaleUp(3);
  await oneMaster(group, { timeoutMs: 60_000 });
  const faults = FAULTS.filter(
    ({ name, needsLinks }) =>
      name.includes(flags.only ?? '') && (needsLinks !== true || network.whyNoLinks === undefined),
  );
  const spare = faults.filter(({ endsAgents }) => endsAgents !== true);
  const gentle = spare.length > 0 ? spare : faults;
  const memory = new Memory();
  const sampler = setInterval(() => memory.look(group.pods), 15_000);
  const outcomes: Outcome[] = [];
  const start = performance.now();
  const end = start + hours * HOUR_MS;
  let stoppedBy: string | undefined;
  try {
    while (performance.now() < end && stoppedBy === undefined) {
      const isForAll = (performance.now() - start) % HOUR_MS < FAULTS_OF_ALL_MS;
      const fault: Fault = pick.one(isForAll ? faults : gentle);
      const outcome = await playRound(group, fault, pick, outcomes.length + 1);
      outcomes.push(outcome);
      say(describe(outcome));
      if (outcome.broken.length > 0) stoppedBy = outcome.broken.join('; ');
    }
  } catch (error) {
    stoppedBy = messageOf(error);
  } finally {
    clearInterval(sampler);
  }
  if (stoppedBy !== undefined) {
    say(`STOPPED: ${stoppedBy}\n${await groupPicture(group)}`);
    for (const pod of group.pods) say(`${pod.name}'s agent:\n${pod.story()}`);
  }
  const isGood = summarize(seed, outcomes, memory, stoppedBy);
  await Promise.all(group.pods.map(async (pod) => await pod.powerOff()));
  return isGood;
}

function describe({ number, fault, recoveryMs, lost, acknowledged, broken }: Outcome): string {
  const verdict = broken.length === 0 ? 'ok' : `BROKEN: ${broken.join('; ')}`;
  const pause = `${Math.round(recoveryMs)} ms`;
  return `${number} ${fault}: longest pause ${pause}, lost ${lost} of ${acknowledged}, ${verdict}`;
}

function summarize(
  seed: number,
  outcomes: readonly Outcome[],
  memory: Memory,
  stoppedBy: string | undefined,
): boolean {
  const growth = memory.growthPerHour();
  const isFlat = growth === null || growth <= FLAT_MIB_PER_HOUR;
  const summary = {
    seed,
    rounds: outcomes.length,
    stoppedBy: stoppedBy ?? null,
    acknowledged: outcomes.reduce((sum, each) => sum + each.acknowledged, 0),
    lost: outcomes.reduce((sum, each) => sum + each.lost, 0),
    longestPauseMs: Math.round(Math.max(0, ...outcomes.map((each) => each.recoveryMs))),
    agentRssMaxMiB: Math.round(memory.maxMiB),
    agentGrowthMiBPerHour: growth === null ? null : Math.round(growth * 10) / 10,
    isMemoryFlat: growth === null ? null : isFlat,
  };
  say(`\n${JSON.stringify(summary, null, 2)}`);
  if (growth === null) say('memory: no agent lived long enough to tell; run longer');
  if (flags.json !== undefined) {
    const text = JSON.stringify({ summary, rounds: outcomes, memory: memory.samples }, null, 2);
    writeFileSync(flags.json, `${text}\n`);
  }
  return stoppedBy === undefined && isFlat;
}

if (flags.help === true) {
  say(USAGE);
} else {
  const workspace = new Workspace();
  try {
    process.exitCode = (await soak(workspace)) ? 0 : 1;
  } finally {
    await workspace.close();
  }
}
