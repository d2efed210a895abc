// explain of a pod that stands in the cluster: it is read as one in a manifest would be.

import type { OptionValues } from '../../src/options.ts';
import { explainAll } from '../commands/on-manifests.ts';
import { EXIT, type Outcome, outcome } from '../exit-codes.ts';
import type { EXPLAIN_OPTIONS } from '../options.ts';
import { refusalText } from './cluster.ts';
import type { Session } from './context.ts';
import { manifestOf } from './manifest-of.ts';
import { podsPath, type RawPod } from './raw-objects.ts';

export async function explainLive(
  { cluster, namespace }: Session,
  pod: string,
  values: OptionValues<typeof EXPLAIN_OPTIONS>,
): Promise<Outcome> {
  const answer = await cluster.ask<RawPod>({
    right: { verb: 'get', resource: 'pods', namespace },
    path: `${podsPath(namespace)}/${pod}`,
  });
  if (!answer.ok) {
    const absent = `there is no pod ${pod} in namespace ${namespace}`;
    return outcome(EXIT.failed, '', [answer.status === 404 ? absent : refusalText(answer)]);
  }
  // Without the right to read its namespace, that is taken to be labelled, as where it is in no file.
  const own = await cluster.ask<object>({
    right: { verb: 'get', resource: 'namespaces', namespace },
    path: `/api/v1/namespaces/${namespace}`,
  });
  const labelled = own.ok ? [{ ...own.body, apiVersion: 'v1', kind: 'Namespace' }] : [];
  const items = [...labelled, { ...answer.body, apiVersion: 'v1', kind: 'Pod' }];
  return explainAll([manifestOf(items)], { ...values, namespace });
}
