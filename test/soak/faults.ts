// The faults of the soak: what each does to a group, how it is undone, and what it may cost. Each
// leaves the group as it found it: all pods, all links, all processes.

import type { Group } from '../harness/group.ts';
import type { Pod } from '../harness/pod.ts';
import { redisCommand } from '../harness/redis-client.ts';
import { holdsFor } from '../harness/wait-for.ts';

export type Fault = {
  readonly name: string;
  /** Scenario rows that it comes from. */
  readonly rows: readonly number[];
  /** True: acknowledged writes may be lost, as a suffix. */
  readonly mayLose: boolean;
  /** True: a person, or a thawing Redis, may open a second instance for a moment. */
  readonly mayOverlap?: boolean;
  readonly needsLinks?: boolean;
  /** True: agents end, so that their memory begins anew. */
  readonly endsAgents?: boolean;
  readonly strike: (group: Group, master: Pod, pick: Pick) => Promise<void>;
};

/** Random choices that the seed decides. */
export type Pick = {
  readonly one: <T>(list: readonly T[]) => T;
  readonly between: (from: number, to: number) => number;
};

const wait = async (ms: number): Promise<void> => await holdsFor(ms, () => undefined);
const ipsOf = (pods: readonly Pod[]): string[] => pods.map((pod) => pod.ip);

async function rebirth(group: Group, pod: Pod): Promise<void> {
  group.forget(pod);
  await group.create(pod.name);
}

async function cutFor(pod: Pod, ms: number, ends: readonly string[]): Promise<void> {
  await pod.link.cut(...ends);
  await wait(ms);
  await pod.link.heal();
}

export const FAULTS: readonly Fault[] = [
  {
    name: "the master's Redis is killed",
    rows: [1, 4],
    mayLose: true,
    strike: async (_, master) => master.redis.signal('SIGKILL'),
  },
  {
    name: "a replica's Redis is killed",
    rows: [1],
    mayLose: false,
    strike: async (group, master, pick) => pick.one(group.others(master)).redis.signal('SIGKILL'),
  },
  {
    name: "the master's pod is deleted",
    rows: [2, 41],
    mayLose: false,
    endsAgents: true,
    strike: async (group, master) => {
      await master.delete();
      await rebirth(group, master);
    },
  },
  {
    name: "a replica's pod is deleted",
    rows: [2, 41],
    mayLose: false,
    endsAgents: true,
    strike: async (group, master, pick) => {
      const replica = pick.one(group.others(master));
      await replica.delete();
      await rebirth(group, replica);
    },
  },
  {
    name: "the master's pod is force-deleted",
    rows: [3],
    mayLose: true,
    endsAgents: true,
    strike: async (group, master) => {
      await master.forceDelete();
      await rebirth(group, master);
    },
  },
  {
    name: "the master's Redis freezes",
    rows: [7],
    mayLose: true,
    mayOverlap: true,
    strike: async (_, master, pick) => {
      master.redis.signal('SIGSTOP');
      await wait(pick.between(200, 9000));
      master.redis.signal('SIGCONT');
    },
  },
  {
    name: "the master's agent freezes",
    rows: [8, 40],
    mayLose: true,
    strike: async (_, master, pick) => {
      master.agent.signal('SIGSTOP');
      await wait(pick.between(200, 9000));
      master.agent.signal('SIGCONT');
    },
  },
  {
    name: 'one agent is killed',
    rows: [9],
    mayLose: true,
    endsAgents: true,
    strike: async (group, _, pick) => pick.one(group.pods).agent.signal('SIGKILL'),
  },
  {
    name: 'all agents are killed',
    rows: [9],
    mayLose: true,
    endsAgents: true,
    strike: async (group) => {
      for (const pod of group.pods) pod.agent.signal('SIGKILL');
    },
  },
  {
    name: 'the master is cut off from its peers',
    rows: [11],
    mayLose: false,
    needsLinks: true,
    strike: async (group, master, pick) =>
      await cutFor(master, pick.between(500, 9000), ipsOf(group.others(master))),
  },
  {
    name: 'the master is cut off from the API server',
    rows: [12],
    mayLose: false,
    needsLinks: true,
    strike: async (_, master, pick) => await cutFor(master, pick.between(500, 9000), ['api']),
  },
  {
    name: 'the master is cut off from both',
    rows: [13],
    mayLose: true,
    needsLinks: true,
    strike: async (group, master, pick) =>
      await cutFor(master, pick.between(500, 9000), ['api', ...ipsOf(group.others(master))]),
  },
  {
    name: 'one pod loses four in ten packets of another',
    rows: [17],
    mayLose: true,
    needsLinks: true,
    strike: async (group, _, pick) => {
      const pod = pick.one(group.pods);
      await pod.link.thinOut(pick.one(group.others(pod)).ip);
      await wait(pick.between(2000, 9000));
      await pod.link.heal();
    },
  },
  {
    name: 'one pod hears another no more',
    rows: [17],
    mayLose: true,
    needsLinks: true,
    strike: async (group, _, pick) => {
      const pod = pick.one(group.pods);
      await pod.link.loseFrom(pick.one(group.others(pod)).ip);
      await wait(pick.between(500, 9000));
      await pod.link.heal();
    },
  },
  {
    name: "the master's node is without power for a while",
    rows: [19, 20],
    mayLose: true,
    needsLinks: true,
    endsAgents: true,
    strike: async (_, master, pick) => {
      await master.powerCut();
      await wait(pick.between(500, 9000));
      await master.powerOn(pick.between(0, 1500));
    },
  },
  {
    name: 'two nodes are without power for a while',
    rows: [21],
    mayLose: true,
    needsLinks: true,
    endsAgents: true,
    strike: async (group, _, pick) => {
      const spared = pick.one(group.pods);
      const others = group.others(spared);
      await Promise.all(others.map(async (pod) => await pod.powerCut()));
      await wait(pick.between(500, 9000));
      await Promise.all(others.map(async (pod) => await pod.powerOn()));
    },
  },
  {
    name: 'all containers crash together',
    rows: [35],
    mayLose: true,
    endsAgents: true,
    strike: async (group) => {
      for (const pod of group.pods) {
        pod.redis.signal('SIGKILL');
        pod.agent.signal('SIGKILL');
      }
    },
  },
  {
    name: 'a replica is made a master by hand',
    rows: [32],
    mayLose: false,
    mayOverlap: true,
    strike: async (group, master, pick) => {
      const { ip, access } = pick.one(group.others(master));
      await redisCommand(ip, access, 'REPLICAOF', 'NO', 'ONE');
    },
  },
  {
    name: 'the Lease is deleted',
    rows: [65],
    mayLose: false,
    strike: async (group) => await group.admin.delete(group.leasePath),
  },
];
