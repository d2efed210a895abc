// What the API server itself counted of the requests that it was sent.

import type { KubeClient } from '../harness/kube-client.ts';
import { waitFor } from '../harness/wait-for.ts';

const WRITES = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

export type Counted = {
  readonly verb: string;
  readonly resource: string;
  readonly count: number;
};

function labelOf(labels: string, name: string): string {
  return new RegExp(`${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
}

/** Since its start, by verb and resource. */
export async function requestsOf(admin: KubeClient): Promise<ReadonlyMap<string, Counted>> {
  // One that is busy may need more time than a request has.
  const ask = async (): Promise<string> => await admin.text('GET', '/metrics');
  const text = await waitFor('its metrics', ask, { timeoutMs: 60_000, everyMs: 500 });
  const found = new Map<string, Counted>();
  for (const [, labels = '', value] of text.matchAll(/^apiserver_request_total\{(.*)\} (\S+)$/gm)) {
    const [verb, resource] = [labelOf(labels, 'verb'), labelOf(labels, 'resource')];
    const key = `${verb} ${resource}`;
    const count = (found.get(key)?.count ?? 0) + Number(value);
    found.set(key, { verb, resource, count });
  }
  return found;
}

/** What came between two looks; what is zero is left out. */
export function between(
  before: ReadonlyMap<string, Counted>,
  after: ReadonlyMap<string, Counted>,
): readonly Counted[] {
  return [...after]
    .map(([key, each]) => ({ ...each, count: each.count - (before.get(key)?.count ?? 0) }))
    .filter(({ count }) => count > 0);
}

export function writesOf(counted: readonly Counted[]): readonly Counted[] {
  return counted.filter(({ verb }) => WRITES.has(verb));
}

export function total(counted: readonly Counted[]): number {
  return counted.reduce((sum, { count }) => sum + count, 0);
}
