// The local adapter's role commands: what it refuses, and how they stand to its looks.

import t from 'tap';
import { type Clock, systemClock, type Timer } from '../../agent/clock.ts';
import { isLimbo } from '../../agent/core/view.ts';
import type { RedisResult } from '../../agent/core/model.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';
import { connect, lookOnce, PATIENCE_MS, Stage, write } from './setup.ts';
import { instanceIn, silenceIn, Watched } from './watched.ts';

const stage = await Stage.open(t);
const FOREVER = Number.POSITIVE_INFINITY;

/** The system's clock, whose timers can be held back. */
class HoldableClock implements Clock {
  isHeld = false;
  private readonly held: (() => void)[] = [];

  now = (): number => systemClock.now();
  epochMs = (): number => systemClock.epochMs();
  every = (ms: number, run: () => void): Timer => systemClock.every(ms, run);
  sleep = async (ms: number): Promise<void> => await systemClock.sleep(ms);

  after = (ms: number, run: () => void): Timer =>
    systemClock.after(ms, () => {
      if (this.isHeld) this.held.push(run);
      else run();
    });

  get heldCount(): number {
    return this.held.length;
  }

  release(): void {
    this.isHeld = false;
    for (const run of this.held.splice(0)) run();
  }
}

await t.test('it promotes the process that was judged, while validity lasts', async (t) => {
  const server = await stage.serve({ bootFence: true });
  const watched = new Watched(t, server);
  const { runId } = await watched.ready();
  const result = await watched.adapter.promote(runId, systemClock.now() + PATIENCE_MS);
  t.match(result, { ok: true, instance: { role: 'master', runId } });
});

await t.test('it refuses to promote another process than the one that was judged', async (t) => {
  const server = await stage.serve({ bootFence: true });
  const watched = new Watched(t, server);
  await watched.ready();
  const result = await watched.adapter.promote('0'.repeat(40), FOREVER);
  t.same(result, { ok: false, refused: false, detail: 'Redis restarted meanwhile' });
  t.ok(isLimbo(await lookOnce(server)));
  t.equal(await server.setting('min-replicas-to-write'), '0', 'no guard was set');
});

await t.test('it refuses to promote a process that was restarted since', async (t) => {
  const server = await stage.serve({ bootFence: true });
  const watched = new Watched(t, server);
  const { runId } = await watched.ready();
  await server.process.kill();
  const next = await stage.serve({ address: server.address, bootFence: true });
  await watched.next('the new process', (seen) => {
    const instance = instanceIn(seen);
    return instance !== undefined && instance.runId !== runId;
  });
  t.match(await watched.adapter.promote(runId, FOREVER), { ok: false });
  t.ok(isLimbo(await lookOnce(next)));
});

await t.test('nor one that was restarted and has not even said who it is', async (t) => {
  const clock = new HoldableClock();
  const server = await stage.serve({ bootFence: true });
  const watched = new Watched(t, server, { clock });
  const { runId } = await watched.ready();
  // The adapter finds the new process frozen: connected, its questions not answered yet.
  clock.isHeld = true;
  await server.process.kill();
  await waitFor('the adapter waits', () => clock.heldCount > 0, { timeoutMs: PATIENCE_MS });
  const next = await stage.serve({ address: server.address, bootFence: true });
  await next.freeze();
  clock.release();
  const results: Promise<RedisResult>[] = [];
  await holdsFor(100, () => void results.push(watched.adapter.promote(runId, FOREVER)), 5);
  next.thaw();
  await watched.ready(2);
  t.notOk((await Promise.all(results)).some((result) => result.ok));
  t.ok(isLimbo(await lookOnce(next)));
});

await t.test(
  'nor does such a process start to follow anybody, but limbo is always right',
  async (t) => {
    const clock = new HoldableClock();
    const server = await stage.serve();
    const watched = new Watched(t, server, { clock });
    await watched.ready();
    clock.isHeld = true;
    await server.process.kill();
    await waitFor('the adapter waits', () => clock.heldCount > 0, { timeoutMs: PATIENCE_MS });
    const next = await stage.serve({ address: server.address });
    await next.freeze();
    clock.release();
    const results: Promise<RedisResult>[] = [];
    const follow = (): Promise<RedisResult> => watched.adapter.replicateFrom('127.0.0.1', 2);
    await holdsFor(100, () => void results.push(follow()), 5);
    const fencing = watched.adapter.limbo(true);
    next.thaw();
    t.match(await fencing, { ok: true });
    t.notOk((await Promise.all(results)).some((result) => result.ok));
    t.ok(isLimbo(await lookOnce(next)));
  },
);

await t.test('it refuses to promote, and to open, when validity has ended', async (t) => {
  const server = await stage.serve({ bootFence: true });
  const watched = new Watched(t, server);
  const { runId } = await watched.ready();
  const ended = { ok: false, refused: false, detail: 'validity ended' };
  t.same(await watched.adapter.promote(runId, systemClock.now()), ended);
  t.ok(isLimbo(await lookOnce(server)));
  t.match(await watched.adapter.promote(runId, FOREVER), { ok: true });
  t.same(await watched.adapter.open(systemClock.now(), false), ended);
  const redis = await connect(t, server);
  t.equal(await write(redis), 'NOREPLICAS', 'the guard stands');
  t.match(await watched.adapter.open(FOREVER, false), { ok: true });
  t.equal(await write(redis), 'OK');
});

await t.test(
  'a command without a connection fails at once, and is no sign of a crash',
  async (t) => {
    const watched = new Watched(t, { address: stage.network.address() });
    await watched.next('that nobody listens', silenceIn);
    for (const result of [
      await watched.adapter.limbo(true),
      await watched.adapter.open(FOREVER, false),
    ]) {
      t.match(result, { ok: false, refused: false });
    }
  },
);

await t.test('a command that Redis refuses fails with the words of Redis', async (t) => {
  const server = await stage.serve({ bootFence: true });
  await server.command('ACL', 'SETUSER', 'agent', 'on', '>secret', '~*', '+@all', '-replicaof');
  const watched = new Watched(t, server, { access: { user: 'agent', password: 'secret' } });
  const { runId } = await watched.ready();
  const result = await watched.adapter.promote(runId, FOREVER);
  t.match(result, { ok: false, refused: false, detail: /EXECABORT|NOPERM/ });
});

await t.test('no look tells of a moment before a command that was answered', async (t) => {
  const server = await stage.serve({ bootFence: true });
  const watched = new Watched(t, server);
  const { runId } = await watched.ready();
  watched.adapter.setPollInterval(1);
  const contradictions: string[] = [];
  for (let round = 0; round < 50; round++) {
    const promote = round % 2 === 0;
    const run = promote ? watched.adapter.promote(runId, FOREVER) : watched.adapter.limbo(true);
    const result = await run;
    if (!result.ok) return t.fail(result.detail);
    const role = promote ? 'master' : 'replica';
    await watched.next('a look', (seen) => {
      const instance = instanceIn(seen);
      if (instance?.role !== role) contradictions.push(`round ${round}: ${JSON.stringify(seen)}`);
      return instance;
    });
  }
  t.same(contradictions, []);
});

await t.test('limbo at its own connection cuts the clients, and the adapter goes on', async (t) => {
  const server = await stage.serve();
  const watched = new Watched(t, server);
  await watched.ready();
  const client = await connect(t, server);
  t.match(await watched.adapter.limbo(true), { ok: true, instance: { role: 'replica' } });
  await waitFor('the client is cut', () => client.status === 'end', { timeoutMs: PATIENCE_MS });
  watched.adapter.setPollInterval(1);
  const after = await watched.next('a look', instanceIn);
  t.ok(isLimbo(after));
  t.equal(watched.refusedSettings.length, 1, 'on the same connection');
});
