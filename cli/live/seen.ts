// An answer of the API server as check judges it: the answer, or why there is none.

import type { Seen } from '../commands/finding.ts';
import { type Answer, type Cluster, type Question, refusalText, type Right } from './cluster.ts';
import { apiPath, itemsIn, type RawList } from './raw-objects.ts';

/** An answer of all pods of a large cluster would be too long for one. */
const PAGE = 500;
const PAGES_MAX = 400;

export function seenIn<T, V>(answer: Answer<T>, read: (body: T) => V): Seen<V> {
  return answer.ok
    ? { ok: true, value: read(answer.body) }
    : { ok: false, why: refusalText(answer) };
}

/** Null: there is none. */
export async function seenOrAbsent<T>(
  cluster: Cluster,
  question: Question,
): Promise<Seen<T | null>> {
  const answer = await cluster.ask<T>(question);
  if (!answer.ok && answer.status === 404) return { ok: true, value: null };
  return seenIn(answer, (body) => body);
}

/** `resource`: with its API group, as a right names it. `namespace` null: of all. */
export async function seenList<T>(
  cluster: Cluster,
  apiVersion: string,
  resource: string,
  namespace: string | null,
  selector = '',
): Promise<Seen<readonly T[]>> {
  return await list<T>(cluster, apiVersion, { verb: 'list', resource, namespace }, selector);
}

/** Of what is in no namespace. */
export async function seenClusterList<T>(
  cluster: Cluster,
  apiVersion: string,
  resource: string,
  selector = '',
): Promise<Seen<readonly T[]>> {
  const right = { verb: 'list', resource, namespace: null, isClusterWide: true } as const;
  return await list<T>(cluster, apiVersion, right, selector);
}

async function list<T>(
  cluster: Cluster,
  apiVersion: string,
  right: Right,
  /** As a further part of the query. */
  selector: string,
): Promise<Seen<readonly T[]>> {
  const path = apiPath(apiVersion, right.resource.replace(/\..*$/, ''), right.namespace);
  const items: T[] = [];
  let next = '';
  for (let page = 0; page < PAGES_MAX; page++) {
    const from = next === '' ? '' : `&continue=${encodeURIComponent(next)}`;
    const answer = await cluster.ask<RawList<T>>({
      right,
      path: `${path}?limit=${PAGE}${from}${selector}`,
    });
    if (!answer.ok) return { ok: false, why: refusalText(answer) };
    items.push(...itemsIn(answer.body));
    next = answer.body.metadata?.continue ?? '';
    if (next === '') return { ok: true, value: items };
  }
  return { ok: false, why: `there are more than ${PAGE * PAGES_MAX} ${right.resource}` };
}
