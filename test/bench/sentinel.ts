// Redis Sentinel under test: three instances, each with a sentinel beside it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Container } from '../harness/container.ts';
import { PodNetwork, REDIS_PORT } from '../harness/free-ports.ts';
import { redisCommand, replicationInfo } from '../harness/redis-client.ts';
import { startRedis, startSentinel } from '../harness/redis-server.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Workspace } from '../harness/workspace.ts';
import { strike } from './strike.ts';
import { COMMON_REDIS_ARGS, type FaultName, SIZE, type System, type SystemName } from './system.ts';

const SENTINEL_PORT = 26379;
const MASTER = 'bench';
/** Sentinels ask for INFO every ten seconds, and turn a returned master into a replica after ten. */
const HEALTHY_TIMEOUT_MS = 240_000;

type Member = { readonly address: string; readonly redis: Container; readonly sentinel: Container };
type Fields = Readonly<Record<string, string>>;

/** Sentinel answers with flat lists of names and values. */
function fieldsOf(reply: unknown): Fields {
  const flat = Array.isArray(reply) ? reply.map(String) : [];
  return Object.fromEntries(
    flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : [])),
  );
}

function listOf(reply: unknown): readonly Fields[] {
  return Array.isArray(reply) ? reply.map(fieldsOf) : [];
}

function configuration(address: string, directory: string, master: string, downAfterMs: number) {
  return [
    `bind ${address}`,
    `port ${SENTINEL_PORT}`,
    `dir ${directory}`,
    'protected-mode no',
    `sentinel announce-ip ${address}`,
    `sentinel monitor ${MASTER} ${master} ${REDIS_PORT} 2`,
    `sentinel down-after-milliseconds ${MASTER} ${downAfterMs}`,
    `sentinel failover-timeout ${MASTER} 180000`,
    `sentinel parallel-syncs ${MASTER} 1`,
    '',
  ].join('\n');
}

export class SentinelGroup implements System {
  readonly name: SystemName;
  readonly access = {};
  private readonly workspace: Workspace;
  private readonly members: Member[] = [];
  private readonly down: Container[] = [];
  /** Whom an instance that starts follows, as an entrypoint that asks a sentinel first. */
  private master = '';

  private constructor(name: SystemName, workspace: Workspace) {
    this.name = name;
    this.workspace = workspace;
  }

  static async open(name: SystemName, downAfterMs: number): Promise<SentinelGroup> {
    const workspace = new Workspace();
    try {
      const network = await PodNetwork.claim(workspace);
      const group = new SentinelGroup(name, workspace);
      for (let index = 0; index < SIZE; index++) group.add(index, network.address(), downAfterMs);
      return group;
    } catch (error) {
      await workspace.close();
      throw error;
    }
  }

  private add(index: number, address: string, downAfterMs: number): void {
    const { workspace } = this;
    if (index === 0) this.master = address;
    const directory = workspace.folder(`member-${index}`);
    const file = join(directory, 'sentinel.conf');
    writeFileSync(file, configuration(address, directory, this.master, downAfterMs));
    const launchRedis = () => {
      const isReplica = this.master !== address;
      const follow = isReplica ? ['--replicaof', this.master, String(REDIS_PORT)] : [];
      return startRedis(workspace, `redis-${index}`, {
        address,
        directory,
        persistence: 'none',
        args: [...COMMON_REDIS_ARGS, ...follow],
      });
    };
    const launchSentinel = () => startSentinel(workspace, `sentinel-${index}`, file);
    const container = (name: string, launch: typeof launchRedis) =>
      new Container(name, 1000, launch, () => undefined);
    const redis = container('redis', launchRedis);
    const sentinel = container('sentinel', launchSentinel);
    this.members.push({ address, redis, sentinel });
    workspace.atEnd(() => {
      redis.noMoreRestarts();
      sentinel.noMoreRestarts();
    });
  }

  addresses(): readonly string[] {
    return this.members.map(({ address }) => address);
  }

  private member(address: string): Member {
    const found = this.members.find((each) => each.address === address);
    if (found === undefined) throw new Error(`no member has the address ${address}`);
    return found;
  }

  async healthy(): Promise<string> {
    this.master = await waitFor(
      `${this.name} is wholly healthy`,
      async () => await this.agreedMaster(),
      { timeoutMs: HEALTHY_TIMEOUT_MS, everyMs: 200 },
    );
    return this.master;
  }

  private async ask(sentinel: string, command: string): Promise<unknown> {
    const client = new Redis({
      host: sentinel,
      port: SENTINEL_PORT,
      lazyConnect: true,
      enableReadyCheck: false,
      retryStrategy: () => null,
      commandTimeout: 2000,
      protocol: 2,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await client.call('SENTINEL', command, MASTER);
    } finally {
      client.disconnect();
    }
  }

  /** Throws what is not yet as it should be. */
  private async agreedMaster(): Promise<string> {
    const views = await Promise.all(this.addresses().map(async (each) => await this.view(each)));
    const [master = '', ...others] = new Set(views);
    if (others.length > 0) throw new Error(`the sentinels name ${[master, ...others].join(', ')}`);
    const infos = await Promise.all(
      this.addresses().map(async (address) => ({
        address,
        info: await replicationInfo(address, this.access),
      })),
    );
    const offset = infos.find(({ address }) => address === master)?.info.offset ?? 0;
    for (const { address, info } of infos) {
      if (address === master) {
        if (info.role !== 'master') throw new Error(`${address} is ${info.role}`);
      } else if (info.masterHost !== master || !info.linkUp || info.offset < offset) {
        throw new Error(`${address} is not in sync with ${master}`);
      }
    }
    return master;
  }

  /** The master in the eyes of one sentinel, if it sees all members and sentinels well. */
  private async view(sentinel: string): Promise<string> {
    const master = fieldsOf(await this.ask(sentinel, 'master'));
    const replicas = listOf(await this.ask(sentinel, 'replicas'));
    const sentinels = listOf(await this.ask(sentinel, 'sentinels'));
    if (master['flags'] !== 'master') throw new Error(`${sentinel}: master is ${master['flags']}`);
    const isGood = (replica: Fields): boolean =>
      replica['flags'] === 'slave' &&
      replica['master-link-status'] === 'ok' &&
      replica['master-host'] === master['ip'];
    if (replicas.filter(isGood).length !== SIZE - 1 || replicas.length !== SIZE - 1) {
      const shown = replicas.map((each) => `${each['ip']} ${each['flags']}`).join(', ');
      throw new Error(`${sentinel}: replicas are ${shown}`);
    }
    const known = sentinels.filter(({ flags }) => flags === 'sentinel');
    if (known.length !== SIZE - 1) throw new Error(`${sentinel}: sees ${known.length} sentinels`);
    return master['ip'] ?? '';
  }

  inject(fault: FaultName, address: string): void {
    const { redis, sentinel: beside } = this.member(address);
    this.down.push(...strike(fault, { redis, beside }));
  }

  heal(): void {
    void this.bringBack(this.down.splice(0));
  }

  private async bringBack(containers: readonly Container[]): Promise<void> {
    const alive = this.members.filter(({ redis }) => !containers.includes(redis));
    for (const { address } of alive) {
      const role = await redisCommand(address, this.access, 'ROLE').catch(() => undefined);
      if (Array.isArray(role) && role[0] === 'master') this.master = address;
    }
    for (const container of containers) {
      container.signal('SIGCONT');
      container.release();
    }
  }

  async close(): Promise<void> {
    await this.workspace.close();
  }
}
