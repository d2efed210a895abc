// Runs seeds of the simulator, chunk by chunk, in a thread of its own.

import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../src/errors.ts';
import { startCoverage, takeCoverage } from './coverage.ts';
import { scheduleFrom } from './schedule.ts';
import { Simulation } from './simulation.ts';
import { count, emptyTally } from './tally.ts';

export type Chunk = { readonly from: number; readonly schedules: number };

const port = parentPort;
if (port === null) throw new Error('test/sim/worker.ts is started by test/sim/main.ts');

const isCovered: unknown = Reflect.get(workerData as object, 'coverage');
if (isCovered === true) await startCoverage();

port.on('message', (chunk: Chunk | 'coverage') => {
  if (chunk === 'coverage') void takeCoverage().then((blocks) => port.postMessage(blocks));
  else void run(chunk).then((tally) => port.postMessage(tally));
});

async function run({ from, schedules }: Chunk) {
  const tally = emptyTally();
  for (let seed = from; seed < from + schedules; seed++) {
    try {
      count(tally, await new Simulation(scheduleFrom(seed), false).run());
    } catch (error) {
      // Without its seed nobody could look at it.
      throw new Error(`seed ${seed} ended the simulator: ${messageOf(error)}`, { cause: error });
    }
  }
  return tally;
}
