// Scripts about what a sync costs and destroys: backlogs, snapshots that take long, lost links.

import type { Script } from './bench.ts';

export const SYNC_SCRIPTS: readonly Script[] = [
  {
    name: 'beyond the backlog a break ends in a full sync',
    run: async (bench) => {
      await bench.start('A', { backlogBytes: 16_384 });
      await bench.start('B');
      await bench.join('B', 'A');
      await bench.write('A', 3);
      await bench.caughtUp('B', 'A');
      await bench.limbo('B');
      await bench.write('A', 2, 40_000);
      await bench.replicate('B', 'A');
      await bench.caughtUp('B', 'A');
      await bench.write('A', 1);
      await bench.caughtUp('B', 'A');
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'a backlog that is raised holds the break',
    run: async (bench) => {
      await bench.start('A', { backlogBytes: 16_384 });
      await bench.start('B');
      await bench.join('B', 'A');
      await bench.tell('A', { kind: 'config-set', name: 'repl-backlog-size', value: 67_108_864 });
      await bench.tell('A', { kind: 'config-get', name: 'repl-backlog-size' });
      await bench.write('A', 3);
      await bench.caughtUp('B', 'A');
      await bench.limbo('B');
      await bench.write('A', 2, 40_000);
      await bench.replicate('B', 'A');
      await bench.caughtUp('B', 'A');
      await bench.write('A', 1);
      await bench.caughtUp('B', 'A');
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'without replicas for longer than the backlog lives the id changes',
    run: async (bench) => {
      await bench.start('A', { backlogTtlSeconds: 1 });
      await bench.start('B');
      await bench.join('B', 'A');
      await bench.write('A', 2);
      await bench.caughtUp('B', 'A');
      const { replid } = await bench.info('A');
      await bench.limbo('B');
      await bench.until('A', 'has another id', (seen) => seen.replid !== replid);
      await bench.info('A');
      await bench.write('A', 2);
      await bench.info('A');
      await bench.replicate('B', 'A');
      await bench.until('B', 'has it all', ({ keys, linkUp }) => keys === 4 && linkUp);
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'a first sync that takes long: what is written meanwhile comes behind it',
    run: async (bench) => {
      await bench.start('A', { slowSnapshots: true });
      await bench.start('B');
      await bench.write('A', 20);
      await bench.write('B', 2);
      await bench.replicate('B', 'A');
      await bench.until('B', 'is told', ({ syncing }) => syncing);
      await bench.pass(300);
      await bench.write('A', 3);
      await bench.info('A');
      await bench.info('B');
      await bench.caughtUp('B', 'A');
      await bench.info('B');
      await bench.tell('B', { kind: 'keys' });
    },
  },
  {
    name: 'a sync that is broken off leaves the old data, without their place',
    run: async (bench) => {
      for (const name of ['A', 'B', 'C']) await bench.start(name, { slowSnapshots: name === 'A' });
      await bench.write('A', 20);
      await bench.join('B', 'C');
      await bench.write('C', 2);
      await bench.caughtUp('B', 'C');
      await bench.replicate('B', 'A');
      await bench.until('B', 'is told', ({ syncing }) => syncing);
      await bench.pass(300);
      await bench.limbo('B');
      await bench.info('B');
      await bench.promote('B');
      await bench.write('B');
      await bench.info('B');
    },
  },
  {
    name: 'a master that is killed during a sync leaves its replica with the old data',
    // The child of Redis 8 sends over a socket of its own, and outlives a master that is killed
    // alone. In a pod the kernel ends both.
    only: (version) => version !== '8.0',
    run: async (bench) => {
      for (const name of ['A', 'B', 'C']) await bench.start(name, { slowSnapshots: name === 'A' });
      await bench.write('A', 20);
      await bench.join('B', 'C');
      await bench.write('C', 2);
      await bench.caughtUp('B', 'C');
      await bench.replicate('B', 'A');
      await bench.until('B', 'is told', ({ syncing }) => syncing);
      await bench.pass(300);
      await bench.driver.kill('A');
      await bench.until('B', 'gave up', ({ syncing }) => !syncing);
      await bench.info('B');
      await bench.join('B', 'C');
      await bench.write('C', 1);
      await bench.caughtUp('B', 'C');
      await bench.info('B');
    },
  },
  {
    name: 'two replicas ask for a sync one after the other',
    run: async (bench) => {
      for (const name of ['A', 'B', 'C']) await bench.start(name, { slowSnapshots: name === 'A' });
      await bench.write('A', 20);
      await bench.replicate('B', 'A');
      await bench.until('B', 'is told', ({ syncing }) => syncing);
      await bench.write('A', 2);
      await bench.replicate('C', 'A');
      // Before 7.0 it dials within a second.
      await bench.pass(1500);
      await bench.info('C');
      await bench.write('A', 2);
      for (const name of ['B', 'C']) await bench.caughtUp(name, 'A');
      await bench.write('A', 1);
      for (const name of ['B', 'C']) await bench.caughtUp(name, 'A');
      for (const name of ['A', 'B', 'C']) await bench.info(name);
    },
  },
  {
    name: 'a master that stands still is given up after the timeout, and met again',
    run: async (bench) => {
      await bench.start('A');
      await bench.start('B', { replTimeoutSeconds: 2 });
      await bench.join('B', 'A');
      await bench.write('A', 2);
      await bench.caughtUp('B', 'A');
      await bench.driver.freeze('A');
      await bench.until('B', 'gave it up', ({ linkUp }) => !linkUp);
      await bench.info('B');
      await bench.driver.thaw('A');
      await bench.linked('B');
      await bench.write('A', 2);
      await bench.caughtUp('B', 'A');
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'a replica that stands still is dropped after the timeout, and continues',
    run: async (bench) => {
      await bench.start('A', { replTimeoutSeconds: 2 });
      await bench.start('B');
      await bench.join('B', 'A');
      await bench.write('A', 2);
      await bench.caughtUp('B', 'A');
      await bench.driver.freeze('B');
      await bench.until('A', 'dropped it', ({ connectedReplicas }) => connectedReplicas === 0);
      await bench.write('A', 2);
      await bench.driver.thaw('B');
      await bench.caughtUp('B', 'A');
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'pings count in the stream',
    run: async (bench) => {
      await bench.start('A', { pingPeriodSeconds: 1 });
      await bench.start('B');
      await bench.join('B', 'A');
      await bench.until('A', 'sent pings', ({ offset }) => offset >= 28);
      const { offset } = await bench.see('B');
      bench.note('a multiple of 14', offset % 14);
      await bench.write('A');
      await bench.caughtUp('B', 'A');
      bench.note('and SELECT with SET', (await bench.see('B')).offset % 14);
    },
  },
];
