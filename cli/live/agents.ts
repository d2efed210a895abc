// Asks the agents of a group for their state: through the API server's proxy, else by its port-forward.

import { isMap } from '../../src/json.ts';
import { isAgentReport } from '../../src/report-shape.ts';
import type { GroupView } from '../../src/group-view.ts';
import { type Answer, type Cluster, refusalText } from './cluster.ts';
import type { Heard } from './gather.ts';
import { agentPort, podsPath, type RawPod } from './raw-objects.ts';

/** An agent answers within milliseconds: who waits longer waits for a node that is gone. */
const AGENT_MAX_MS = 2000;

export type AgentAnswer = Heard & {
  /** The right that is missing to ask it. */
  readonly missing?: string;
};

/** The body of /state. */
export async function askAgent(
  cluster: Cluster,
  namespace: string,
  pod: RawPod,
  mostMs = AGENT_MAX_MS,
): Promise<AgentAnswer> {
  const timeoutMs = Math.min(mostMs, AGENT_MAX_MS);
  const name = pod.metadata?.name ?? '';
  const port = agentPort(pod);
  const right = { verb: 'get', resource: 'pods/proxy', namespace } as const;
  const path = `${podsPath(namespace)}/${name}:${port}/proxy/state`;
  const answer = await cluster.ask<unknown>({ right, path, timeoutMs });
  if (answer.ok || answer.missing === null) return heardIn(answer);
  const place = { namespace, pod: name, port };
  const forwarded = await cluster.forward<unknown>(place, '/state', timeoutMs);
  // The proxy's right is the smaller one: that is the one to ask for.
  return forwarded.ok ? heardIn(forwarded) : { ...heardIn(answer), missing: answer.missing };
}

function heardIn(answer: Answer<unknown>): Heard {
  if (!answer.ok) return { silence: `its agent was not heard: ${refusalText(answer)}` };
  const { body } = answer;
  if (!isAgentReport(body)) return { silence: 'what answers on its port is no agent' };
  const view: unknown = Reflect.get(body, 'view');
  return { report: body, view: isView(view) ? view : null };
}

/** What each item of a list has at least. */
const LISTS = {
  members: ['pod', 'uid', 'role', 'state'],
  history: ['holder', 'reason', 'at'],
  route: ['service', 'detail'],
  warnings: ['text'],
} as const;

/** An agent of another version may have none, or another. */
function isView(value: unknown): value is GroupView {
  if (!isMap(value)) return false;
  return Object.entries(LISTS).every(([name, fields]) => {
    const items = value[name];
    return Array.isArray(items) && items.every((item) => hasTexts(item, fields));
  });
}

function hasTexts(item: unknown, fields: readonly string[]): boolean {
  return isMap(item) && fields.every((field) => typeof item[field] === 'string');
}
