// Scripts about restarts: what each kind of persistence brings back, and under which id and offset.

import type { Script } from './bench.ts';

export const FILE_SCRIPTS: readonly Script[] = [
  {
    name: 'rdb: a replica that was stopped continues where it was',
    run: async (bench) => {
      await bench.start('A');
      await bench.start('B', { persistence: 'rdb', bootFence: true });
      await bench.join('B', 'A');
      await bench.write('A', 3);
      await bench.caughtUp('B', 'A');
      await bench.stop('B');
      await bench.write('A', 2);
      await bench.start('B', { persistence: 'rdb', bootFence: true });
      await bench.info('B');
      await bench.replicate('B', 'A');
      await bench.caughtUp('B', 'A');
      await bench.write('A', 1);
      await bench.caughtUp('B', 'A');
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'rdb: a replica that was stopped and is started as a master',
    run: async (bench) => {
      await bench.start('A');
      await bench.start('B', { persistence: 'rdb' });
      await bench.join('B', 'A');
      await bench.write('A', 3);
      await bench.caughtUp('B', 'A');
      await bench.stop('B');
      await bench.start('B', { persistence: 'rdb' });
      await bench.info('B');
      await bench.join('A', 'B');
      await bench.write('B', 1);
      await bench.caughtUp('A', 'B');
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'rdb: a master that was stopped, started behind the fence and promoted',
    run: async (bench) => {
      await bench.start('A', { persistence: 'rdb', bootFence: true });
      await bench.start('B', { persistence: 'rdb', bootFence: true });
      await bench.promote('A');
      await bench.join('B', 'A');
      await bench.write('A', 3);
      await bench.caughtUp('B', 'A');
      await bench.stop('A');
      await bench.start('A', { persistence: 'rdb', bootFence: true });
      await bench.info('A');
      await bench.promote('A');
      await bench.linked('B');
      await bench.write('A', 1);
      await bench.caughtUp('B', 'A');
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'rdb: a master without replicas saves no id',
    run: async (bench) => {
      await bench.start('A', { persistence: 'rdb' });
      await bench.write('A', 3);
      await bench.stop('A');
      await bench.start('A', { persistence: 'rdb', bootFence: true });
      await bench.info('A');
      await bench.promote('A');
      await bench.write('A', 1);
      await bench.info('A');
      await bench.stop('A');
      await bench.start('A', { persistence: 'rdb' });
      await bench.info('A');
    },
  },
  {
    name: 'rdb: what came after the last snapshot is lost with a kill',
    run: async (bench) => {
      await bench.start('A', { persistence: 'rdb' });
      await bench.write('A', 3);
      await bench.tell('A', { kind: 'bgsave' });
      await bench.pass(300);
      await bench.write('A', 2);
      await bench.driver.kill('A');
      await bench.start('A', { persistence: 'rdb', bootFence: true });
      await bench.info('A');
      await bench.tell('A', { kind: 'keys' });
    },
  },
  {
    name: 'rdb: SHUTDOWN NOSAVE saves nothing, SHUTDOWN SAVE does',
    run: async (bench) => {
      await bench.start('A', { persistence: 'rdb' });
      await bench.write('A', 3);
      await bench.tell('A', { kind: 'shutdown', save: false });
      await bench.pass(300);
      await bench.start('A', { persistence: 'none' });
      await bench.info('A');
      await bench.write('A', 3);
      await bench.tell('A', { kind: 'shutdown', save: true });
      await bench.pass(300);
      await bench.start('A', { persistence: 'none' });
      await bench.info('A');
    },
  },
  {
    name: 'aof: all data come back, their id and offset do not',
    run: async (bench) => {
      await bench.start('A', { persistence: 'aof' });
      await bench.start('B', { persistence: 'aof', bootFence: true });
      await bench.write('A', 2);
      await bench.info('A');
      await bench.join('B', 'A');
      await bench.write('A', 3);
      await bench.caughtUp('B', 'A');
      await bench.info('B');
      // The replica's AOF is made anew behind the sync.
      await bench.pass(1500);
      await bench.driver.kill('B');
      await bench.start('B', { persistence: 'aof', bootFence: true });
      await bench.info('B');
      await bench.tell('B', { kind: 'keys' });
      await bench.stop('A');
      await bench.start('A', { persistence: 'aof' });
      await bench.info('A');
      await bench.write('A', 1);
      await bench.join('B', 'A');
      await bench.write('A', 1);
      await bench.caughtUp('B', 'A');
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'aof: a master that is killed, with and without a replica before',
    run: async (bench) => {
      await bench.start('A', { persistence: 'aof' });
      await bench.start('B');
      await bench.write('A', 2);
      // While an fsync is under way a write is answered before it is in the file.
      await bench.pass(300);
      await bench.driver.kill('A');
      await bench.start('A', { persistence: 'aof' });
      await bench.info('A');
      await bench.write('A', 2);
      await bench.join('B', 'A');
      await bench.write('A', 3);
      await bench.caughtUp('B', 'A');
      await bench.info('A');
      await bench.limbo('B');
      await bench.pass(300);
      await bench.driver.kill('A');
      await bench.start('A', { persistence: 'aof', bootFence: true });
      await bench.info('A');
      await bench.promote('A');
      await bench.write('A', 1);
      await bench.join('B', 'A');
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'aof: promotion and limbo without a replica',
    run: async (bench) => {
      await bench.start('A', { persistence: 'aof', bootFence: true });
      await bench.info('A');
      await bench.promote('A');
      await bench.write('A', 3);
      await bench.info('A');
      await bench.limbo('A');
      await bench.info('A');
      await bench.promote('A');
      await bench.write('A', 2);
      await bench.info('A');
    },
  },
  {
    name: 'none: a replica finds on its volume what its first sync left',
    run: async (bench) => {
      await bench.start('A');
      await bench.start('B', { bootFence: true });
      await bench.write('A', 3);
      await bench.join('B', 'A');
      await bench.write('A', 2);
      await bench.caughtUp('B', 'A');
      await bench.driver.kill('B');
      await bench.start('B', { bootFence: true });
      await bench.info('B');
      await bench.replicate('B', 'A');
      await bench.caughtUp('B', 'A');
      await bench.write('A', 1);
      await bench.caughtUp('B', 'A');
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'none: a master that was synced from, killed and started again',
    run: async (bench) => {
      await bench.start('A');
      await bench.start('B');
      await bench.write('A', 3);
      await bench.join('B', 'A');
      await bench.write('A', 2);
      await bench.caughtUp('B', 'A');
      await bench.limbo('B');
      await bench.driver.kill('A');
      await bench.start('A');
      await bench.info('A');
      await bench.driver.kill('A');
      await bench.start('A', { bootFence: true });
      await bench.info('A');
    },
  },
];
