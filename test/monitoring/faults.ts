// Real faults, each with the alerts that it is to raise, and how it is undone. In the order in which they are done.

import type { RuleName } from '../../src/monitoring/rules.ts';
import { INJECT_LABEL, ROLE_LABEL } from '../../src/names.ts';
import { AGENT_RULES } from '../../webhook/agent-role.ts';
import { redisCommand, withRedis } from '../harness/redis-client.ts';
import { spoilSnapshots } from '../harness/snapshots.ts';
import { waitFor } from '../harness/wait-for.ts';
import { allow, killMaster, queueWrites, without } from './fault-tools.ts';
import { type AlertStage, masterOf, pauseFailover, replicasOf, resumeFailover } from './stage.ts';

export type Fault = {
  readonly what: string;
  /** All of them fire, and no others do; none: it is what the product is for. */
  readonly alerts: readonly RuleName[];
  /** May fire where durations are scaled: a second of this fault stands for minutes. */
  readonly scaled?: readonly RuleName[];
  /** Answers how it is undone. */
  readonly begin: (stage: AlertStage) => Promise<() => Promise<unknown>>;
  readonly needsLinks?: true;
};

const nothing = async (): Promise<void> => undefined;

export const FAULTS: readonly Fault[] = [
  {
    what: "the master's Redis is killed: its agent names another at once",
    alerts: [],
    begin: async ({ group }) => {
      await killMaster(group);
      return nothing;
    },
  },
  {
    what: 'a switchover that was asked for',
    alerts: [],
    begin: async ({ group }) => {
      const [target] = await replicasOf(group);
      await group.requestSwitchover(target);
      await waitFor('it leads', async () => (await masterOf(group)) === target, {
        timeoutMs: 20_000,
      });
      return nothing;
    },
  },
  {
    what: 'the failover is paused and the master dies',
    alerts: ['NoMaster'],
    begin: async ({ group }) => {
      const master = await masterOf(group);
      await pauseFailover(group);
      master.redis.hold();
      master.redis.signal('SIGKILL');
      return async () => {
        await resumeFailover(group);
        master.redis.release();
      };
    },
  },
  {
    what: 'a second master by hand, whose agent may not stop it',
    alerts: ['SplitBrain'],
    begin: async ({ group }) => {
      const [stray] = await replicasOf(group);
      await withRedis(stray.ip, stray.access, async (client) => {
        const open = ['replicaof', 'no', 'one'];
        // In one transaction, or its agent would undo the one before the other is there.
        await client.multi([open, ['acl', 'setuser', 'default', '-replicaof']]).exec();
      });
      return async () =>
        await redisCommand(stray.ip, stray.access, 'ACL', 'SETUSER', 'default', '+replicaof');
    },
  },
  {
    what: 'the right to change pods is taken away, and then the label of the master',
    alerts: ['MasterUnrouted'],
    begin: async ({ group }) => {
      const master = await masterOf(group);
      await allow(group, without('pods', 'patch'));
      await group.admin.patch(master.path, { metadata: { labels: { [ROLE_LABEL]: null } } });
      return async () => await allow(group, AGENT_RULES);
    },
  },
  {
    what: 'the right to the Lease is taken away',
    alerts: ['KubernetesUnreachable'],
    begin: async ({ group }) => {
      await allow(group, without('leases'));
      return async () => await allow(group, AGENT_RULES);
    },
  },
  {
    what: 'the API server is stopped',
    alerts: ['KubernetesUnreachable'],
    begin: async ({ controlPlane }) => {
      await controlPlane.killApiServer();
      return async () => await controlPlane.startApiServer();
    },
  },
  {
    what: 'the Redis of a replica stands still',
    alerts: ['ReplicaLagging'],
    begin: async ({ group }) => {
      const [replica] = await replicasOf(group);
      replica.redis.signal('SIGSTOP');
      return async () => replica.redis.signal('SIGCONT');
    },
  },
  {
    what: 'the Redis of both replicas stand still',
    alerts: ['NoCandidate', 'ReplicaLagging'],
    begin: async ({ group }) => {
      const replicas = await replicasOf(group);
      for (const { redis } of replicas) redis.signal('SIGSTOP');
      return async () => {
        for (const { redis } of replicas) redis.signal('SIGCONT');
      };
    },
  },
  {
    what: 'the agent of a replica is gone',
    alerts: ['AgentMissing'],
    begin: async ({ group }) => {
      const [replica] = await replicasOf(group);
      replica.agent.hold();
      replica.agent.signal('SIGKILL');
      return async () => replica.agent.release();
    },
  },
  {
    what: 'all agents of the group are gone, and its Redis go on',
    alerts: ['AgentMissing'],
    // When they are back, the group begins: at a hundredth of the time a second of that is minutes.
    scaled: ['NoMaster', 'NoCandidate', 'ReplicaLagging', 'PeersUnreachable'],
    begin: async ({ group }) => {
      const master = await masterOf(group);
      for (const { agent } of group.pods) {
        agent.hold();
        agent.signal('SIGKILL');
      }
      await redisCommand(master.ip, master.access, 'SET', 'without-agents', 'yes');
      return async () => {
        for (const { agent } of group.pods) agent.release();
      };
    },
  },
  {
    what: 'two replicas do not reach each other',
    alerts: ['PeersUnreachable'],
    needsLinks: true,
    begin: async ({ group }) => {
      const [one, other] = await replicasOf(group);
      await one.link.cut(other.ip);
      return async () => await one.link.heal();
    },
  },
  {
    what: 'the master cannot save its snapshot',
    alerts: ['RedisUnwritable'],
    begin: async ({ group }) => {
      const master = await masterOf(group);
      return await spoilSnapshots(group, master);
    },
  },
  {
    what: 'the master stands still, with writes in its sockets, and wakes up after another was elected',
    alerts: ['WritesLost'],
    scaled: ['NoMaster', 'NoCandidate', 'ReplicaLagging'],
    begin: async ({ group }) => {
      const master = await masterOf(group);
      const close = await queueWrites(master);
      await waitFor(
        'another leads',
        async () => {
          const lease = await group.lease();
          const holder = group.pods.find(({ name }) => name === lease?.podName);
          return holder !== master && (await holder?.state())?.isMaster;
        },
        { timeoutMs: 20_000 },
      );
      master.redis.signal('SIGCONT');
      return async () => close();
    },
  },
  {
    what: 'a pod from before the label of its namespace',
    alerts: ['PodsNotInjected'],
    begin: async ({ controlPlane: { admin } }) => {
      const [name, namespaces] = ['before-the-label', '/api/v1/namespaces'];
      await admin.create(namespaces, { metadata: { name } });
      await admin.create(`${namespaces}/${name}/serviceaccounts`, {
        metadata: { name: 'default' },
      });
      const spec = { containers: [{ name: 'redis', image: 'redis:7' }] };
      await admin.create(`${namespaces}/${name}/pods`, { metadata: { name: 'redis-0' }, spec });
      const labels = { [INJECT_LABEL]: 'enabled' };
      await admin.patch(`${namespaces}/${name}`, { metadata: { labels } });
      return async () =>
        await admin.delete(`${namespaces}/${name}/pods/redis-0`, { gracePeriodSeconds: 0 });
    },
  },
  {
    what: 'the webhook does not answer',
    alerts: ['WebhookUnhealthy'],
    begin: async ({ webhook }) => {
      webhook.process.signal('SIGSTOP');
      return async () => webhook.process.signal('SIGCONT');
    },
  },
  {
    what: 'the master is killed three times',
    alerts: ['Flapping'],
    scaled: ['NoMaster', 'NoCandidate', 'ReplicaLagging'],
    begin: async ({ group }) => {
      for (let times = 0; times < 3; times++) await killMaster(group);
      return nothing;
    },
  },
];
