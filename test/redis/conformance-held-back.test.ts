// ADR 5, on the model and on real servers: after a full sync whose end comes before the master has
// noticed it, the link is up and nothing is sent, until the replica's next acknowledgement.

import t, { type Test } from 'tap';
import { Bench } from '../conformance/bench.ts';
import { ModelDriver } from '../conformance/model-driver.ts';
import { RealDriver } from '../conformance/real-driver.ts';
import { targets } from '../conformance/targets.ts';
import { Workspace } from '../harness/workspace.ts';

/** It happens to one sync in eight or more often: this many without it are no chance. */
const SYNCS = 60;
const SOON_MS = 200;

/** A and its replica B, whose link is up. */
async function pair(bench: Bench): Promise<void> {
  await bench.start('A');
  await bench.start('B');
  await bench.replicate('B', 'A');
  await bench.caughtUp('B', 'A');
}

/** B goes its own way and is made anew; whether what A writes then does not come soon. */
async function isHeldBack(bench: Bench): Promise<boolean> {
  await bench.promote('B');
  await bench.write('B');
  await bench.replicate('B', 'A');
  await bench.linked('B');
  await bench.write('A');
  await bench.pass(SOON_MS);
  const [a, b] = [await bench.see('A'), await bench.see('B')];
  return b.linkUp && b.offset < a.offset;
}

/** From a replica that is held back. */
async function ends(t: Test, bench: Bench): Promise<void> {
  await bench.limbo('B');
  await bench.replicate('B', 'A');
  await bench.caughtUp('B', 'A');
  await bench.write('A');
  await bench.caughtUp('B', 'A');
  const [a, b] = [await bench.see('A'), await bench.see('B')];
  t.equal(b.offset, a.offset, 'attached again, it gets the stream');
}

for (const target of targets()) {
  const isPossible = target.version === '7.0' || target.version === 'valkey-8';
  const what = isPossible ? 'can be held back' : 'is never held back';

  await t.test(`a replica of the modelled ${target.text} ${what}`, async (t) => {
    const bench = new Bench(new ModelDriver(target.version, 1, 1));
    await pair(bench);
    t.equal(await isHeldBack(bench), isPossible);
    if (isPossible) await ends(t, bench);
    t.equal(await isHeldBack(bench), isPossible);
    await bench.caughtUp('B', 'A');
    t.pass('the next acknowledgement ends it');
  });

  const skip = isPossible ? false : `a replica of ${target.text} ${what}`;
  await t.test(`a replica of a real ${target.text} can be held back`, { skip }, async (t) => {
    const workspace = new Workspace();
    t.teardown(async () => await workspace.close());
    const driver = await RealDriver.open({ ...target, folder: 'held-back' }, workspace);
    const bench = new Bench(driver);
    await pair(bench);
    let syncs = 0;
    while (!(await isHeldBack(bench))) {
      await bench.caughtUp('B', 'A');
      if (++syncs === SYNCS) return t.fail(`not once in ${SYNCS} syncs`);
    }
    await ends(t, bench);
    await driver.close();
  });
}
