// Scripts about roles and links: who follows whom, under which id and up to which offset.

import type { Script } from './bench.ts';

export const LINK_SCRIPTS: readonly Script[] = [
  {
    name: 'a fresh master, and a fresh instance behind the boot fence',
    run: async (bench) => {
      await bench.start('A', { priority: 7 });
      await bench.start('B', { bootFence: true });
      await bench.info('A');
      await bench.info('B');
      await bench.write('A', 3);
      await bench.write('B');
      await bench.info('A');
    },
  },
  {
    name: 'a first sync, and the stream counted in bytes',
    run: async (bench) => {
      await bench.start('A');
      await bench.start('B');
      await bench.write('A', 2);
      await bench.join('B', 'A');
      await bench.info('B');
      await bench.write('A');
      await bench.write('A', 1, 9);
      await bench.write('A', 1, 10);
      await bench.write('A', 2, 1000);
      await bench.caughtUp('B', 'A');
      await bench.info('A');
      await bench.info('B');
      await bench.tell('B', { kind: 'keys' });
    },
  },
  {
    name: 'a second replica makes the stream name its database again',
    run: async (bench) => {
      for (const name of ['A', 'B', 'C']) await bench.start(name);
      await bench.join('B', 'A');
      await bench.write('A', 2);
      await bench.caughtUp('B', 'A');
      await bench.join('C', 'A');
      await bench.info('C');
      await bench.write('A', 2);
      for (const name of ['B', 'C']) await bench.caughtUp(name, 'A');
      for (const name of ['A', 'B', 'C']) await bench.info(name);
    },
  },
  {
    name: 'a replica in limbo keeps its place, and continues from there',
    run: async (bench) => {
      await bench.start('A');
      await bench.start('B');
      await bench.join('B', 'A');
      await bench.write('A', 3);
      await bench.caughtUp('B', 'A');
      await bench.limbo('B');
      await bench.limbo('B');
      await bench.write('A', 3);
      await bench.pass(50);
      await bench.info('B');
      await bench.replicate('B', 'A');
      await bench.caughtUp('B', 'A');
      await bench.write('A');
      await bench.caughtUp('B', 'A');
      await bench.info('B');
      await bench.info('A');
    },
  },
  {
    name: 'an empty instance in limbo, promoted and sent back',
    run: async (bench) => {
      await bench.start('A', { bootFence: true });
      await bench.start('B', { bootFence: true });
      await bench.promote('A');
      await bench.promote('A');
      await bench.write('A', 2);
      await bench.limbo('A');
      await bench.promote('A');
      await bench.write('A', 1);
      await bench.info('A');
      await bench.join('B', 'A');
      await bench.write('A', 1);
      await bench.caughtUp('B', 'A');
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'hand-over: limbo on the master, its replica promoted, the old one follows',
    run: async (bench) => {
      for (const name of ['A', 'B', 'C']) await bench.start(name);
      for (const name of ['B', 'C']) {
        await bench.replicate(name, 'A');
        await bench.linked(name);
      }
      await bench.write('A', 5);
      for (const name of ['B', 'C']) await bench.caughtUp(name, 'A');
      await bench.limbo('A');
      await bench.write('A');
      await bench.pass(100);
      await bench.info('B');
      await bench.promote('B');
      await bench.replicate('A', 'B');
      await bench.replicate('C', 'B');
      await bench.linked('A', 'C');
      await bench.write('B', 2);
      for (const name of ['A', 'C']) await bench.caughtUp(name, 'B');
      for (const name of ['A', 'B', 'C']) await bench.info(name);
    },
  },
  {
    name: 'hand-over and back again',
    run: async (bench) => {
      for (const name of ['A', 'B', 'C']) await bench.start(name);
      for (const name of ['B', 'C']) {
        await bench.replicate(name, 'A');
        await bench.linked(name);
      }
      await bench.write('A', 5);
      for (const name of ['B', 'C']) await bench.caughtUp(name, 'A');
      await bench.limbo('A');
      await bench.promote('B');
      for (const name of ['A', 'C']) await bench.replicate(name, 'B');
      await bench.linked('A', 'C');
      await bench.write('B', 2);
      for (const name of ['A', 'C']) await bench.caughtUp(name, 'B');
      await bench.limbo('B');
      await bench.promote('A');
      for (const name of ['B', 'C']) await bench.replicate(name, 'A');
      await bench.until('C', 'follows A for good', ({ replid2, linkUp }) => {
        return linkUp && (bench.version !== '6.0' || /^0+$/.test(replid2));
      });
      await bench.linked('B', 'C');
      await bench.write('A', 2);
      for (const name of ['B', 'C']) await bench.caughtUp(name, 'A');
      for (const name of ['A', 'B', 'C']) await bench.info(name);
    },
  },
  {
    name: 'failover: the master is killed, its replicas elect, it returns empty',
    run: async (bench) => {
      for (const name of ['A', 'B', 'C']) await bench.start(name, { bootFence: true });
      await bench.promote('A');
      for (const name of ['B', 'C']) {
        await bench.replicate(name, 'A');
        await bench.linked(name);
      }
      await bench.write('A', 4);
      for (const name of ['B', 'C']) await bench.caughtUp(name, 'A');
      await bench.driver.kill('A');
      await bench.until('B', 'is alone', ({ linkUp }) => !linkUp);
      await bench.info('B');
      await bench.limbo('B');
      await bench.limbo('C');
      await bench.promote('B');
      await bench.join('C', 'B');
      await bench.write('B');
      await bench.caughtUp('C', 'B');
      await bench.start('A', { bootFence: true });
      await bench.info('A');
      await bench.join('A', 'B');
      await bench.write('B');
      await bench.caughtUp('A', 'B');
      for (const name of ['A', 'B', 'C']) await bench.info(name);
    },
  },
  {
    name: 'a replica that went further than its new master is made anew',
    run: async (bench) => {
      for (const name of ['A', 'B', 'C']) await bench.start(name);
      for (const name of ['B', 'C']) {
        await bench.replicate(name, 'A');
        await bench.linked(name);
      }
      await bench.write('A', 2);
      for (const name of ['B', 'C']) await bench.caughtUp(name, 'A');
      await bench.limbo('B');
      await bench.write('A', 2);
      await bench.caughtUp('C', 'A');
      await bench.promote('B');
      await bench.write('B', 1);
      await bench.join('C', 'B');
      await bench.until('C', 'is of B', ({ keys }) => keys === 3);
      await bench.info('B');
      await bench.info('C');
      await bench.tell('C', { kind: 'keys' });
    },
  },
  {
    name: 'a master that restarts empty wipes its replica',
    run: async (bench) => {
      await bench.start('A');
      await bench.start('B');
      await bench.join('B', 'A');
      await bench.write('A', 3);
      await bench.caughtUp('B', 'A');
      await bench.driver.kill('A');
      await bench.start('A');
      await bench.until('B', 'lost its data', ({ keys, linkUp }) => keys === 0 && linkUp);
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'an instance in limbo refuses to be synced from, until it is promoted',
    run: async (bench) => {
      for (const name of ['A', 'B', 'C']) await bench.start(name);
      await bench.join('B', 'A');
      await bench.write('A', 3);
      await bench.caughtUp('B', 'A');
      await bench.limbo('B');
      await bench.write('C', 1);
      await bench.replicate('C', 'B');
      await bench.pass(1500);
      await bench.info('C');
      await bench.info('B');
      await bench.promote('B');
      await bench.linked('C');
      await bench.write('B');
      await bench.caughtUp('C', 'B');
      await bench.info('C');
    },
  },
  {
    name: 'replicas of a replica: the stream goes through, and a promotion above is followed',
    run: async (bench) => {
      for (const name of ['A', 'B', 'C']) await bench.start(name);
      await bench.join('B', 'A');
      await bench.join('C', 'B');
      await bench.write('A', 4);
      await bench.caughtUp('B', 'A');
      await bench.caughtUp('C', 'A');
      for (const name of ['A', 'B', 'C']) await bench.info(name);
      await bench.promote('B');
      await bench.until('C', 'has the new id', ({ replid2 }) => !/^0+$/.test(replid2));
      await bench.linked('C');
      await bench.write('B');
      await bench.caughtUp('C', 'B');
      for (const name of ['B', 'C']) await bench.info(name);
    },
  },
  {
    name: 'limbo on a replica that has a replica: its link stays, or is cut before 7.0',
    run: async (bench) => {
      for (const name of ['A', 'B', 'C']) await bench.start(name);
      await bench.join('B', 'A');
      await bench.join('C', 'B');
      await bench.write('A', 2);
      await bench.caughtUp('C', 'A');
      await bench.limbo('B');
      await bench.pass(1500);
      await bench.info('B');
      await bench.info('C');
      await bench.replicate('B', 'A');
      await bench.linked('B', 'C');
      await bench.write('A', 2);
      await bench.caughtUp('C', 'A');
      for (const name of ['B', 'C']) await bench.info(name);
    },
  },
  {
    name: 'a ring: the master is told to follow its own replica',
    run: async (bench) => {
      await bench.start('A');
      await bench.start('B');
      await bench.join('B', 'A');
      await bench.write('A', 2);
      await bench.caughtUp('B', 'A');
      await bench.replicate('A', 'B');
      await bench.pass(2500);
      await bench.info('A');
      await bench.info('B');
      await bench.promote('B');
      await bench.linked('A');
      await bench.write('B');
      await bench.caughtUp('A', 'B');
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'a promotion while the master lives, and the way back under it',
    run: async (bench) => {
      for (const name of ['A', 'B', 'C']) await bench.start(name);
      await bench.join('B', 'A');
      await bench.join('C', 'B');
      await bench.write('A', 2);
      await bench.caughtUp('C', 'A');
      await bench.promote('B');
      await bench.write('A', 1);
      await bench.write('B', 2);
      await bench.caughtUp('C', 'B');
      await bench.replicate('B', 'A');
      await bench.until('B', 'has A', ({ linkUp, keys }) => linkUp && keys === 3);
      await bench.caughtUp('C', 'B');
      for (const name of ['A', 'B', 'C']) await bench.info(name);
      await bench.tell('C', { kind: 'keys' });
    },
  },
  {
    name: 'REPLICAOF of the master that it has, of itself, and of one that is gone',
    run: async (bench) => {
      for (const name of ['A', 'B', 'C']) await bench.start(name);
      await bench.join('B', 'A');
      await bench.write('A', 2);
      await bench.caughtUp('B', 'A');
      await bench.replicate('B', 'A');
      await bench.info('B');
      await bench.replicate('B', 'B');
      await bench.pass(1500);
      await bench.info('B');
      await bench.driver.kill('C');
      await bench.replicate('B', 'C');
      await bench.pass(1500);
      await bench.info('B');
      await bench.replicate('B', 'A');
      await bench.caughtUp('B', 'A');
      await bench.info('B');
    },
  },
];
