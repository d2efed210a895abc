// Scripts about what commands answer: refusals, transactions, WAIT, cut clients, a frozen process.

import type { Script } from './bench.ts';

const GUARD = 1_000_000;

export const COMMAND_SCRIPTS: readonly Script[] = [
  {
    name: 'an instance that loads: what it answers to whom',
    run: async (bench) => {
      await bench.driver.startLoading('A', { bootFence: true });
      await bench.driver.startLoading('B', {});
      for (const name of ['A', 'B']) {
        await bench.tell(
          name,
          { kind: 'ping' },
          { kind: 'exists', id: 1 },
          { kind: 'config-get', name: 'min-replicas-to-write' },
          { kind: 'config-set', name: 'min-replicas-to-write', value: 0 },
          { kind: 'client-kill', type: 'normal' },
          { kind: 'wait', replicas: 0, timeoutMs: 10 },
        );
        await bench.write(name);
        await bench.tell(name, { kind: 'replicaof-no-one' });
        await bench.tell(name, { kind: 'replicaof', host: 'C', port: 6379 });
        await bench.transact(name, { kind: 'replicaof', host: '127.0.0.1', port: 1 });
        const { keys, ...rest } = await bench.see(name);
        bench.note(`${name} with ${Math.min(keys, 0)} keys`, bench.named({ ...rest, keys: 0 }));
      }
    },
  },
  {
    name: 'a replica of one that loads waits',
    run: async (bench) => {
      await bench.driver.startLoading('A', {});
      await bench.start('B');
      await bench.replicate('B', 'A');
      await bench.pass(1500);
      await bench.info('B');
    },
  },
  {
    name: 'guarded promotion, and writes opened',
    run: async (bench) => {
      await bench.start('A', { bootFence: true });
      await bench.start('B');
      await bench.transact(
        'A',
        { kind: 'config-set', name: 'min-replicas-to-write', value: GUARD },
        { kind: 'replicaof-no-one' },
        { kind: 'info' },
      );
      await bench.write('A');
      await bench.join('B', 'A');
      await bench.write('A');
      // The master may hear of it a second later than we do.
      await bench.pass(1500);
      await bench.transact(
        'A',
        { kind: 'config-set', name: 'min-replicas-to-write', value: 1 },
        { kind: 'info' },
      );
      await bench.write('A');
      await bench.caughtUp('B', 'A');
      await bench.limbo('B');
      await bench.write('A');
      await bench.tell('A', { kind: 'config-set', name: 'min-replicas-to-write', value: 0 });
      await bench.write('A');
      await bench.info('A');
    },
  },
  {
    name: 'a write in a transaction is refused whole',
    run: async (bench) => {
      await bench.start('A', { bootFence: true });
      await bench.transact('A', { kind: 'write', id: bench.newId() }, { kind: 'replicaof-no-one' });
      await bench.info('A');
    },
  },
  {
    name: 'a replica that stands still counts until its lag is too long',
    run: async (bench) => {
      await bench.start('A', { minReplicasToWrite: 1, minReplicasMaxLagSeconds: 2 });
      await bench.start('B');
      await bench.write('A');
      await bench.join('B', 'A');
      await bench.pass(1200);
      await bench.write('A');
      await bench.caughtUp('B', 'A');
      await bench.driver.freeze('B');
      await bench.write('A');
      await bench.pass(5000);
      await bench.write('A');
      await bench.driver.thaw('B');
      await bench.pass(2500);
      await bench.write('A');
      await bench.caughtUp('B', 'A');
      await bench.info('B');
    },
  },
  {
    name: 'isolated while it runs: it stops three seconds after its replica at the latest, and goes on with it',
    run: async (bench) => {
      await bench.start('A');
      await bench.start('B');
      await bench.write('A');
      await bench.join('B', 'A');
      await bench.pass(1200);
      await bench.transact(
        'A',
        { kind: 'config-set', name: 'min-replicas-max-lag', value: 1 },
        { kind: 'config-set', name: 'min-replicas-to-write', value: 1 },
      );
      await bench.write('A');
      await bench.caughtUp('B', 'A');
      await bench.driver.freeze('B');
      await bench.pass(3100);
      await bench.write('A');
      await bench.driver.thaw('B');
      await bench.pass(2500);
      await bench.write('A');
      await bench.transact(
        'A',
        { kind: 'config-set', name: 'min-replicas-max-lag', value: 10 },
        { kind: 'config-set', name: 'min-replicas-to-write', value: 0 },
      );
      await bench.limbo('B');
      await bench.write('A');
      await bench.info('A');
    },
  },
  {
    name: 'a replica that may be written to does not count it',
    run: async (bench) => {
      await bench.start('A');
      await bench.start('B', { replicaReadOnly: false });
      await bench.join('B', 'A');
      await bench.write('A', 2);
      await bench.caughtUp('B', 'A');
      await bench.write('B', 2);
      await bench.info('B');
      await bench.limbo('B');
      await bench.write('B', 1);
      await bench.tell('B', { kind: 'config-set', name: 'replica-read-only', value: 1 });
      await bench.tell('B', { kind: 'config-get', name: 'replica-read-only' });
      await bench.write('B', 1);
      await bench.info('B');
    },
  },
  {
    name: 'a full disk: a persistent master refuses writes, and PING',
    run: async (bench) => {
      await bench.start('A', { persistence: 'rdb' });
      await bench.write('A', 2);
      await bench.driver.breakDisk('A');
      await bench.write('A');
      await bench.tell('A', { kind: 'ping' }, { kind: 'exists', id: 1 });
      await bench.limbo('A');
      await bench.write('A');
      await bench.tell('A', { kind: 'ping' });
      await bench.promote('A');
      await bench.tell('A', { kind: 'config-set', name: 'min-replicas-to-write', value: GUARD });
      await bench.write('A');
    },
  },
  {
    name: 'without stale data an instance in limbo answers MASTERDOWN',
    run: async (bench) => {
      await bench.start('A', { bootFence: true, serveStaleData: false });
      await bench.tell('A', { kind: 'ping' }, { kind: 'exists', id: 1 });
      await bench.write('A');
      await bench.tell('A', { kind: 'wait', replicas: 0, timeoutMs: 10 });
      await bench.tell('A', { kind: 'config-set', name: 'min-replicas-to-write', value: 0 });
      await bench.promote('A');
      await bench.tell('A', { kind: 'ping' }, { kind: 'exists', id: 1 });
      await bench.write('A');
    },
  },
  {
    name: 'WAIT counts replicas, and its question is part of the stream',
    run: async (bench) => {
      for (const name of ['A', 'B', 'C']) await bench.start(name);
      await bench.tell('A', { kind: 'wait', replicas: 0, timeoutMs: 10 });
      await bench.tell('A', { kind: 'wait', replicas: 1, timeoutMs: 50 });
      await bench.info('A');
      for (const name of ['B', 'C']) {
        await bench.replicate(name, 'A');
        await bench.linked(name);
      }
      await bench.pass(1200);
      await bench.write('A');
      await bench.tell('A', { kind: 'wait', replicas: 2, timeoutMs: 5000 });
      await bench.caughtUp('B', 'A');
      await bench.info('A');
      await bench.tell('A', { kind: 'wait', replicas: 2, timeoutMs: 5000 });
      await bench.info('A');
      await bench.write('A', 2);
      await bench.tell('A', { kind: 'wait', replicas: 3, timeoutMs: 100 });
      await bench.info('A');
      await bench.tell('B', { kind: 'wait', replicas: 1, timeoutMs: 100 });
    },
  },
  {
    name: 'who waits when the master becomes a replica is cut',
    run: async (bench) => {
      await bench.start('A');
      await bench.write('A');
      const client = await bench.driver.connect('A');
      const waiting = client.post([{ kind: 'wait', replicas: 1, timeoutMs: 0 }]);
      await bench.pass(50);
      await bench.limbo('A');
      bench.noteAnswers('the one who waited', await waiting());
      await bench.pass(50);
      bench.note('is cut', client.isClosed);
    },
  },
  {
    name: 'CLIENT KILL ends the connections of a type, and spares who says it',
    run: async (bench) => {
      await bench.start('A');
      await bench.start('B');
      await bench.join('B', 'A');
      const normal = await bench.driver.connect('A');
      const subscriber = await bench.driver.connect('A');
      await subscriber.post([{ kind: 'subscribe' }])();
      await bench.tell('A', { kind: 'ping' });
      await bench.tell('A', { kind: 'client-kill', type: 'normal' });
      await bench.pass(50);
      bench.note('closed', [normal.isClosed, subscriber.isClosed]);
      await bench.tell('A', { kind: 'client-kill', type: 'pubsub' });
      await bench.pass(50);
      bench.note('closed', [normal.isClosed, subscriber.isClosed]);
      await bench.info('A');
      await bench.linked('B');
    },
  },
  {
    name: 'frozen: what was queued on a connection is carried out in its order',
    run: async (bench) => {
      await bench.start('A');
      await bench.write('A');
      const client = await bench.driver.connect('A');
      await bench.driver.freeze('A');
      const queued = client.post([
        { kind: 'write', id: bench.newId() },
        { kind: 'replicaof', host: '127.0.0.1', port: 1 },
        { kind: 'write', id: bench.newId() },
        { kind: 'replicaof-no-one' },
        { kind: 'write', id: bench.newId() },
        { kind: 'info' },
      ]);
      await bench.pass(200);
      await bench.driver.thaw('A');
      bench.noteAnswers('queued', await queued());
      await bench.tell('A', { kind: 'keys' });
    },
  },
  {
    name: 'frozen: one that is killed carries out nothing',
    run: async (bench) => {
      await bench.start('A', { persistence: 'aof' });
      await bench.write('A');
      await bench.pass(300);
      const client = await bench.driver.connect('A');
      await bench.driver.freeze('A');
      const queued = client.post([{ kind: 'write', id: bench.newId() }]);
      await bench.pass(100);
      await bench.driver.kill('A');
      bench.noteAnswers('queued', await queued());
      await bench.start('A', { persistence: 'aof' });
      await bench.tell('A', { kind: 'keys' });
    },
  },
  {
    name: 'frozen: a replica takes what its master wrote meanwhile, and acknowledges it',
    run: async (bench) => {
      await bench.start('A');
      await bench.start('B');
      await bench.join('B', 'A');
      await bench.write('A', 2);
      await bench.caughtUp('B', 'A');
      await bench.driver.freeze('B');
      await bench.write('A', 3);
      await bench.pass(200);
      await bench.driver.thaw('B');
      await bench.caughtUp('B', 'A');
      await bench.info('A');
      await bench.info('B');
    },
  },
  {
    name: 'SIGTERM with a replica that stands still: from 7.0 on it waits, and writes with it',
    run: async (bench) => {
      await bench.start('A');
      await bench.start('B');
      await bench.join('B', 'A');
      await bench.write('A', 2);
      await bench.caughtUp('B', 'A');
      await bench.pass(1200);
      await bench.driver.freeze('B');
      await bench.write('A', 1);
      const client = await bench.driver.connect('A');
      bench.driver.terminate('A');
      await bench.pass(400);
      const late = client.post([{ kind: 'write', id: bench.newId() }]);
      await bench.pass(400);
      bench.note('ended', client.isClosed);
      await bench.driver.thaw('B');
      await bench.driver.ended('A');
      bench.noteAnswers('late', await late());
      await bench.info('B');
    },
  },
];
