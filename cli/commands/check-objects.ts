// What check finds at an object before anybody looks into it: a kind or label that nothing reads because it is
// misspelt, and numbers that are none. All of it would otherwise look like "no Redis here".

import { isMap } from '../../src/json.ts';
import { INJECT_LABEL } from '../../src/names.ts';
import { unknownLabels } from '../../webhook/core/annotations.ts';
import { labelsOf } from '../../webhook/core/pod.ts';
import { reason } from '../../webhook/core/reasons.ts';
import type { Manifest } from '../manifest/parse.ts';
import {
  groupOfVersion,
  type Item,
  itemsOf,
  POD_PATHS,
  titleOf,
  workloadOf,
} from '../manifest/workloads.ts';
import { EMPTY_REMEDY, EMPTY_TEXT } from './empty.ts';
import { type Finding, fromReason } from './finding.ts';

/** Kinds that check reads, by API group. */
const GROUPS: readonly (readonly [kind: string, group: string])[] = [
  ...Object.entries(POD_PATHS).flatMap(([group, kinds]) =>
    Object.keys(kinds).map((kind) => [kind, group] as const),
  ),
  ['Namespace', ''],
  ['Service', ''],
];

export function objectFindings(manifests: readonly Manifest[]): Finding[] {
  return manifests.flatMap((manifest) => {
    const items = itemsOf(manifest.values);
    if (items.length === 0) return [nothingIn(manifest)];
    return items.flatMap((item) => [
      ...kindFindings(manifest, item),
      ...replicaFindings(item),
      ...labelNameFindings(item),
    ]);
  });
}

function nothingIn({ name }: Manifest): Finding {
  return {
    level: 'error',
    about: name,
    code: 'nothing-here',
    text: EMPTY_TEXT,
    remedy: EMPTY_REMEDY,
  };
}

function kindFindings(manifest: Manifest, item: Item): Finding[] {
  const { kind, apiVersion, document } = item;
  const about = kind === '' ? `${manifest.name}: document ${document + 1}` : titleOf(item);
  const found = (text: string, remedy: string): Finding[] => [
    { level: 'error', about, code: 'kind-unknown', text, remedy },
  ];
  if (kind === '') return found('it has no kind: kubectl refuses it', 'write apiVersion and kind');
  const group = groupOfVersion(apiVersion);
  const same = GROUPS.filter(([known]) => known === kind);
  if (same.some(([, known]) => known === group)) return [];
  // A group of somebody's own (apps.kruise.io) may have kinds of the same name.
  if (group.includes('.')) return templateFindings(item, about);
  const [, right] = same[0] ?? [];
  if (right !== undefined && apiVersion !== '') {
    const version = `${right}${right === '' ? '' : '/'}v1`;
    return found(`${apiVersion} has no ${kind}: nobody reads it`, `write apiVersion: ${version}`);
  }
  const near = GROUPS.find(([known]) => isNearly(kind, known));
  if (same.length > 0 || near === undefined) return templateFindings(item, about);
  return found(`${kind} is no kind that anybody knows`, `write kind: ${near[0]}`);
}

/** Operators make pods of templates, too; which, cannot be known. */
function templateFindings({ kind, value }: Item, about: string): Finding[] {
  const spec = isMap(value['spec']) ? value['spec'] : {};
  const template = isMap(spec['template']) ? spec['template'] : {};
  const inner = isMap(template['spec']) ? template['spec'] : {};
  if (!Array.isArray(inner['containers'])) return [];
  return [
    {
      level: 'warning',
      about,
      code: 'kind-not-read',
      text: `its pod template was not looked at: ${kind} is not a kind of Kubernetes itself`,
      remedy: 'check one of its pods: kubectl get pod NAME -o yaml | redis-orchestrator check -f -',
    },
  ];
}

function replicaFindings(item: Item): Finding[] {
  if (workloadOf(item) === undefined) return [];
  const spec = isMap(item.value['spec']) ? item.value['spec'] : {};
  const replicas = spec['replicas'] ?? 1;
  if (typeof replicas === 'number' && Number.isInteger(replicas) && replicas >= 0) return [];
  const text = `spec.replicas is ${JSON.stringify(replicas)}: the API server refuses it`;
  const remedy = 'write a whole number, without quotes';
  return [{ level: 'error', about: titleOf(item), code: 'replicas-no-number', text, remedy }];
}

function labelNameFindings(item: Item): Finding[] {
  const pod = workloadOf(item)?.pod;
  const isRead = pod !== undefined || item.kind === 'Namespace' || item.kind === 'Service';
  if (!isRead) return [];
  const metadata = isMap(item.value['metadata']) ? item.value['metadata'] : {};
  const own = isMap(metadata['labels']) ? Object.keys(metadata['labels']) : [];
  const annotations = isMap(metadata['annotations']) ? metadata['annotations'] : {};
  const inner = pod === undefined ? [] : Object.keys(labelsOf(pod));
  const about = titleOf(item);
  const unknown = unknownLabels([...new Set([...own, ...inner])]);
  return [
    ...unknown.map((label) => fromReason('error', about, reason('label-unknown', { label }))),
    ...(INJECT_LABEL in annotations && item.kind === 'Namespace'
      ? [
          {
            level: 'error' as const,
            about,
            code: 'label-misplaced',
            text: `${INJECT_LABEL} is an annotation here: it does nothing`,
            remedy: 'write it under metadata.labels',
          },
        ]
      : []),
  ];
}

/** One slip of the keyboard, or two in a long word. */
function isNearly(word: string, known: string): boolean {
  const [one, other] = [word.toLowerCase(), known.toLowerCase()];
  if (one === other) return true;
  return distance(one, other) <= (known.length >= 7 ? 2 : 1);
}

/** Letters to be put in, taken out or changed. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let index = 0; index < one.length; index++) {
    const next = [index + 1];
    for (let at = 1; at <= other.length; at++) {
      const change = (row[at - 1] ?? 0) + (one[index] === other[at - 1] ? 0 : 1);
      next.push(Math.min(change, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
