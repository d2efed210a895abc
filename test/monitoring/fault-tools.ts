// How single faults are done.

import { connect } from 'node:net';
import { AGENT_ROLE } from '../../src/names.ts';
import { AGENT_RULES } from '../../webhook/agent-role.ts';
import { REDIS_PORT } from '../harness/free-ports.ts';
import type { Group } from '../harness/group.ts';
import type { Pod } from '../harness/pod.ts';
import { waitFor } from '../harness/wait-for.ts';
import { masterOf } from './stage.ts';

export async function killMaster(group: Group): Promise<void> {
  const master = await masterOf(group);
  master.redis.signal('SIGKILL');
  await waitFor('another leads', async () => (await masterOf(group)) !== master, {
    timeoutMs: 40_000,
  });
}

export async function allow(group: Group, rules: readonly object[]): Promise<void> {
  const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${group.account.namespace}/roles`;
  await group.admin.patch(`${roles}/${AGENT_ROLE}`, { rules });
}

/** The agent's rights less one resource, or one verb of it. */
export const without = (resource: string, verb?: string): readonly object[] =>
  AGENT_RULES.flatMap((rule) => {
    const { apiGroups = [], resources = [], verbs } = rule;
    if (!resources.includes(resource)) return [rule];
    if (verb === undefined) return [];
    return [{ apiGroups, resources, verbs: verbs.filter((each) => each !== verb) }];
  });

/** Commands that wait in the socket of a Redis that stands still: it takes them before its agent's. */
export async function queueWrites(pod: Pod): Promise<() => void> {
  const socket = connect(REDIS_PORT, pod.ip);
  socket.on('error', () => undefined);
  // The kernel answers before Redis does: a connection that Redis has not taken yet comes after its agent's.
  const isTaken = new Promise<void>((resolve) => socket.once('data', () => resolve()));
  socket.write('PING\r\n');
  await isTaken;
  const lines = Array.from({ length: 200 }, (_, index) => `SET late:${index} x\r\n`);
  pod.redis.signal('SIGSTOP');
  socket.write(lines.join(''));
  return () => socket.destroy();
}
