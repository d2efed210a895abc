// explain and check of what stands in the cluster: its objects are read as a manifest would be.

import type { OptionValues } from '../../src/options.ts';
import { EXIT, type Outcome, outcome } from '../exit-codes.ts';
import { type Manifest, parseManifest } from '../manifest/parse.ts';
import type { CHECK_OPTIONS, EXPLAIN_OPTIONS } from '../options.ts';
import { checkAll, explainAll } from '../commands/on-manifests.ts';
import { type Answer, refusalText } from './cluster.ts';
import type { Session } from './context.ts';
import { podsPath, type RawList, type RawPod } from './raw-objects.ts';

type RawObject = object;

const LISTS = [
  { apiVersion: 'v1', kind: 'Service', resource: 'services' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet', resource: 'statefulsets.apps' },
  { apiVersion: 'apps/v1', kind: 'Deployment', resource: 'deployments.apps' },
] as const;

function manifestOf(name: string, items: readonly RawObject[]): Manifest {
  const list = { apiVersion: 'v1', kind: 'List', items };
  const parsed = parseManifest(name, JSON.stringify(list));
  if (!parsed.ok) throw new Error(parsed.errors.join('\n'));
  return parsed.manifest;
}

/** Without the right to read it, it is taken to be labelled, as where it is in no file. */
async function namespaceOf({ cluster, namespace }: Session): Promise<readonly RawObject[]> {
  const answer = await cluster.ask<RawObject>({
    right: { verb: 'get', resource: 'namespaces', namespace },
    path: `/api/v1/namespaces/${namespace}`,
  });
  return answer.ok ? [{ ...answer.body, apiVersion: 'v1', kind: 'Namespace' }] : [];
}

export async function explainLive(
  session: Session,
  pod: string,
  values: OptionValues<typeof EXPLAIN_OPTIONS>,
): Promise<Outcome> {
  const { cluster, namespace } = session;
  const answer = await cluster.ask<RawPod>({
    right: { verb: 'get', resource: 'pods', namespace },
    path: `${podsPath(namespace)}/${pod}`,
  });
  if (!answer.ok) {
    const absent = `there is no pod ${pod} in namespace ${namespace}`;
    return outcome(EXIT.failed, '', [answer.status === 404 ? absent : refusalText(answer)]);
  }
  const object = { ...answer.body, apiVersion: 'v1', kind: 'Pod' };
  const items = [...(await namespaceOf(session)), object];
  return explainAll([manifestOf('cluster', items)], { ...values, namespace });
}

export async function checkLive(
  session: Session,
  values: OptionValues<typeof CHECK_OPTIONS>,
): Promise<Outcome> {
  const { cluster, namespace, console } = session;
  const pathOf = (apiVersion: string, resource: string): string => {
    const base = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
    return `${base}/namespaces/${namespace}/${resource.replace(/\..*$/, '')}`;
  };
  const answers = await Promise.all(
    LISTS.map(async ({ apiVersion, resource }) => {
      const right = { verb: 'list', resource, namespace } as const;
      const path = pathOf(apiVersion, resource);
      return await cluster.ask<RawList<RawObject>>({ right, path });
    }),
  );
  const items = answers.flatMap((answer, index) => itemsOf(answer, index));
  const refusals = answers.filter((answer) => !answer.ok);
  for (const each of refusals) console.note(`not looked at: ${refusalText(each)}`);
  if (refusals.length === answers.length) return outcome(EXIT.failed, '');
  const all = [...(await namespaceOf(session)), ...items];
  const checked = checkAll([manifestOf('cluster', all)], { ...values, namespace });
  // What was not looked at may be wrong as well.
  const isHalf = checked.code === EXIT.ok && refusals.length > 0;
  return isHalf ? { ...checked, code: EXIT.failed } : checked;
}

function itemsOf(answer: Answer<RawList<RawObject>>, index: number): readonly RawObject[] {
  const { apiVersion, kind } = LISTS[index] ?? LISTS[0];
  return answer.ok ? answer.body.items.map((item) => ({ ...item, apiVersion, kind })) : [];
}
