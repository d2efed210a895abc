// What a conformance script is written against: a few instances, by name, that are either modelled
// or real. A script notes what it sees; the notes of both must be the same.

import type { Command } from '../sim/redis/protocol.ts';
import type { RedisVersion } from '../sim/redis/options.ts';

export type BenchOptions = {
  readonly persistence?: 'none' | 'rdb' | 'aof';
  readonly bootFence?: boolean;
  readonly minReplicasToWrite?: number;
  readonly minReplicasMaxLagSeconds?: number;
  readonly replicaReadOnly?: boolean;
  readonly serveStaleData?: boolean;
  readonly backlogBytes?: number;
  readonly backlogTtlSeconds?: number;
  readonly pingPeriodSeconds?: number;
  readonly replTimeoutSeconds?: number;
  readonly priority?: number;
  /** A snapshot of twenty keys takes four seconds. */
  readonly slowSnapshots?: boolean;
};

/** What INFO shows. Upstream is a name of the script, or limbo; ids are what they are. */
export type Seen = {
  readonly role: 'master' | 'replica';
  readonly upstream: string | null;
  readonly linkUp: boolean;
  readonly syncing: boolean;
  readonly loading: boolean;
  readonly offset: number;
  readonly masterOffset: number;
  readonly replid: string;
  readonly replid2: string;
  readonly secondOffset: number;
  readonly priority: number;
  readonly keys: number;
  readonly aof: boolean;
  readonly connectedReplicas: number;
};

/** OK, a number, the ids of the keys, the error's code, what INFO shows; CLOSED without any. */
export type Answer = string | readonly number[] | Seen;

/** A client's connection that stays open. */
export type BenchClient = {
  /** Sends a batch; what is returned waits for its answers. */
  post(commands: readonly Command[], transaction?: boolean): () => Promise<readonly Answer[]>;
  readonly isClosed: boolean;
};

/** How a server is driven, modelled or real. */
export type Driver = {
  readonly version: RedisVersion;
  start(name: string, options: BenchOptions): Promise<void>;
  /** Reads its data without an end. */
  startLoading(name: string, options: BenchOptions): Promise<void>;
  connect(name: string): Promise<BenchClient>;
  kill(name: string): Promise<void>;
  /** SIGTERM. */
  terminate(name: string): void;
  /** Returns when it has ended. */
  ended(name: string): Promise<void>;
  freeze(name: string): Promise<void>;
  thaw(name: string): Promise<void>;
  /** From now on a snapshot cannot be saved, and one has failed. */
  breakDisk(name: string): Promise<void>;
  pass(ms: number): Promise<void>;
  /** Bounded: fails where it never comes true. */
  until(what: string, check: () => Promise<boolean>): Promise<void>;
};

/** Longer than any script: pings would make offsets depend on time. */
export const PING_PERIOD_SECONDS = 3600;

const NO_ID = '0'.repeat(40);

export class Bench {
  readonly driver: Driver;
  readonly notes: string[] = [];
  readonly #ids = new Map<string, string>([[NO_ID, 'none']]);
  readonly #clients = new Map<string, BenchClient>();
  readonly #written = { next: 1 };

  constructor(driver: Driver) {
    this.driver = driver;
  }

  get version(): RedisVersion {
    return this.driver.version;
  }

  async pass(ms: number): Promise<void> {
    await this.driver.pass(ms);
  }

  async stop(name: string): Promise<void> {
    this.driver.terminate(name);
    await this.driver.ended(name);
  }

  note(what: string, value: unknown): void {
    this.notes.push(`${what}: ${JSON.stringify(value)}`);
  }

  async start(name: string, options: BenchOptions = {}): Promise<void> {
    this.#clients.delete(name);
    await this.driver.start(name, options);
  }

  /** On one connection for each name, made anew where it was closed. */
  async send(
    name: string,
    commands: readonly Command[],
    transaction = false,
  ): Promise<readonly Answer[]> {
    let client = this.#clients.get(name);
    if (client === undefined || client.isClosed) {
      client = await this.driver.connect(name);
      this.#clients.set(name, client);
    }
    return await client.post(commands, transaction)();
  }

  async see(name: string): Promise<Seen> {
    const [seen] = await this.send(name, [{ kind: 'info' }]);
    if (seen === undefined || typeof seen === 'string' || !('role' in seen)) {
      throw new Error(`${name} answered INFO with ${String(seen)}`);
    }
    return seen;
  }

  /** Notes what INFO shows; ids by the order in which they were first noted. */
  async info(name: string): Promise<Seen> {
    const seen = await this.see(name);
    this.note(name, this.named(seen));
    return seen;
  }

  named(seen: Seen): unknown {
    const replid = this.#nameOf(seen.replid);
    return { ...seen, replid, replid2: this.#nameOf(seen.replid2) };
  }

  #nameOf(id: string): string {
    const known = this.#ids.get(id);
    if (known !== undefined) return known;
    const name = `id-${this.#ids.size}`;
    this.#ids.set(id, name);
    return name;
  }

  /** Sends, and notes the answers. */
  async tell(name: string, ...commands: Command[]): Promise<void> {
    const answers = await this.send(name, commands);
    this.noteAnswers(`${name} ${commands.map(({ kind }) => kind).join(' ')}`, answers);
  }

  async transact(name: string, ...commands: Command[]): Promise<void> {
    const answers = await this.send(name, commands, true);
    this.noteAnswers(`${name} multi ${commands.map(({ kind }) => kind).join(' ')}`, answers);
  }

  noteAnswers(what: string, answers: readonly Answer[]): void {
    this.note(
      what,
      answers.map((answer) =>
        typeof answer === 'object' && 'role' in answer ? this.named(answer) : answer,
      ),
    );
  }

  /** New keys, one command each; notes the distinct answers. */
  async write(name: string, count = 1, valueBytes = 1): Promise<void> {
    const commands = Array.from({ length: count }, (): Command => {
      return { kind: 'write', id: this.newId(), valueBytes };
    });
    const answers = await this.send(name, commands);
    this.note(`${name} write`, [...new Set(answers.map(String))]);
  }

  newId(): number {
    return this.#written.next++;
  }

  async replicate(name: string, from: string): Promise<void> {
    await this.tell(name, { kind: 'replicaof', host: from, port: 6379 });
  }

  /** The fence, as our agent sends it, without the cut. */
  async limbo(name: string): Promise<void> {
    await this.transact(name, { kind: 'replicaof', host: '127.0.0.1', port: 1 }, { kind: 'info' });
  }

  async promote(name: string): Promise<void> {
    await this.transact(name, { kind: 'replicaof-no-one' }, { kind: 'info' });
  }

  async until(name: string, what: string, is: (seen: Seen) => boolean): Promise<void> {
    await this.driver.until(`${name} ${what}`, async () => is(await this.see(name)));
  }

  async linked(...names: readonly string[]): Promise<void> {
    for (const name of names) await this.until(name, 'is linked', ({ linkUp }) => linkUp);
  }

  /** Follows, until the link is up. */
  async join(name: string, master: string): Promise<void> {
    await this.replicate(name, master);
    await this.linked(name);
  }

  /** A replica has all that its master has, whose id may change as it attaches. */
  async caughtUp(name: string, master: string): Promise<void> {
    await this.driver.until(`${name} has what ${master} has`, async () => {
      const { masterOffset, replid } = await this.see(master);
      const seen = await this.see(name);
      return seen.linkUp && seen.replid === replid && seen.masterOffset >= masterOffset;
    });
  }
}

export type Script = {
  readonly name: string;
  /** Of which versions it tells; of all unless told. */
  readonly only?: (version: RedisVersion) => boolean;
  readonly run: (bench: Bench) => Promise<void>;
};
