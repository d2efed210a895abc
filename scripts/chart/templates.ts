// A file of the base as a template of helm: the text that was written by hand, with values of the chart in the places
// that the table names, the namespace of the release, and helm's labels.

import { isScalar, type Node, visit } from 'yaml';
import { WEBHOOK_OPTIONS } from '../../webhook/config.ts';
import { type Place, placeAt, type Source, sourcesOf, SYSTEM_NAMESPACE } from './base.ts';
import { placesOf } from './defaults.ts';
import { applyEdits, type Edit, insertBehind, replaceValue } from './edits.ts';
import { CONDITIONS } from './rules.ts';
import { CHART_VALUES } from './table.ts';

const VALUES = Object.entries(CHART_VALUES);
const CONTAINER = '/spec/template/spec/containers/0';
const CERTIFICATES = '/certificates';
// Quoted: a name may be all digits.
const NAMESPACE = 'quote .Release.Namespace';

function pointersIn(source: Source, references: readonly string[]): readonly string[] {
  const prefix = `${source.file}#`;
  return references
    .filter((each) => each.startsWith(prefix))
    .map((each) => each.slice(prefix.length));
}

function valueEdits(source: Source): readonly Edit[] {
  const edits: Edit[] = [];
  for (const [path, value] of VALUES) {
    const own = `.Values.${path}`;
    for (const pointer of pointersIn(source, placesOf(value))) {
      const place = placeAt(source, pointer);
      const bare = isScalar(place.value) ? own : `toYaml ${own}`;
      edits.push(replaceValue(source, place, value.template ?? bare));
    }
    for (const pointer of pointersIn(source, value.behind === undefined ? [] : [value.behind])) {
      const place = placeAt(source, pointer);
      const isText = typeof value.fallback === 'string';
      const field = isText
        ? [`${value.key}: {{ quote . }}`]
        : [`${value.key}:`, `  {{- toYaml . | nindent ${indentBelow(source, place)} }}`];
      edits.push(insertBehind(source, place, [`{{- with ${own} }}`, ...field, '{{- end }}']));
    }
  }
  return edits;
}

/** Where a list below a key that stands beside this place begins. */
function indentBelow({ text }: Source, { key }: Place): number {
  const start = key?.range?.[0] ?? 0;
  return start - text.lastIndexOf('\n', start - 1) + 1;
}

/** One flag of the webhook for each value that is not what the webhook takes anyway. */
function flagLines(): readonly string[] {
  return VALUES.flatMap(([path, value]) => {
    if (value.flag === undefined) return [];
    const { flag } = WEBHOOK_OPTIONS[value.flag];
    const { fallback } = WEBHOOK_OPTIONS[value.flag] as { readonly fallback?: string };
    const own = `.Values.${path}`;
    const text =
      value.separator === undefined ? `toString ${own}` : `join "${value.separator}" ${own}`;
    return [
      `{{- if ne (${text}) "${fallback}" }}`,
      `- {{ printf "--${flag}=%s" (${text}) | quote }}`,
      '{{- end }}',
    ];
  });
}

const FROM_SECRET = '{{- if eq .Values.webhook.certificates.source "secret" }}';

function deploymentEdits(source: Source): readonly Edit[] {
  const image = placeAt(source, `${CONTAINER}/args/0`);
  const agent = `--agent-image=${String(CHART_VALUES['agent.image.repository']?.fallback)}:`;
  if (!String(image.value).startsWith(agent)) {
    throw new Error(`${source.file}: the agent's image is not the one of the table`);
  }
  const flags = insertBehind(source, image, [
    ...flagLines(),
    FROM_SECRET,
    `- --tls-cert-file=${CERTIFICATES}/tls.crt`,
    `- --tls-key-file=${CERTIFICATES}/tls.key`,
    `- --tls-ca-file=${CERTIFICATES}/ca.crt`,
    '{{- end }}',
  ]);
  const name = '(include "redis-orchestrator.image" (list . .Values.agent.image))';
  const first = replaceValue(source, image, `printf "--agent-image=%s" ${name} | quote`);
  const mount = insertBehind(source, placeAt(source, `${CONTAINER}/securityContext`), [
    FROM_SECRET,
    'volumeMounts:',
    '  - name: certificates',
    `    mountPath: ${CERTIFICATES}`,
    '    readOnly: true',
    '{{- end }}',
  ]);
  const volume = insertBehind(source, placeAt(source, '/spec/template/spec/securityContext'), [
    FROM_SECRET,
    'volumes:',
    '  - name: certificates',
    '    secret:',
    '      secretName: {{ quote .Values.webhook.certificates.secretName }}',
    '{{- end }}',
  ]);
  return [first, flags, mount, volume];
}

/** Kinds without a namespace. */
const IS_CLUSTER_WIDE = /^Cluster|^MutatingWebhookConfiguration$/;

function releaseEdits(source: Source, others: readonly Edit[]): readonly Edit[] {
  const edits = [
    insertBehind(source, placeAt(source, '/metadata/labels'), [
      '  {{- include "redis-orchestrator.labels" . | nindent 4 }}',
    ]),
  ];
  if (!IS_CLUSTER_WIDE.test(source.kind)) {
    const name = placeAt(source, '/metadata/name');
    edits.push(insertBehind(source, name, [`namespace: {{ ${NAMESPACE} }}`]));
  }
  visit(source.root, {
    Scalar(_, node) {
      if (node.value !== SYSTEM_NAMESPACE) return;
      const edit = replaceValue(source, { key: undefined, value: node as Node }, NAMESPACE);
      const isReplaced = others.some(({ start, end }) => start <= edit.start && edit.end <= end);
      if (!isReplaced) edits.push(edit);
    },
  });
  return edits;
}

function inCondition(text: string, when: string | undefined): string {
  return when === undefined ? text : `{{- if ${when} }}\n${text.trimEnd()}\n{{- end }}\n`;
}

function documentTemplate(source: Source): string {
  const own = source.kind === 'Deployment' ? deploymentEdits(source) : [];
  const edits = [...valueEdits(source), ...own];
  const text = applyEdits(source.text, [...edits, ...releaseEdits(source, edits)]);
  const condition = CONDITIONS.find(
    ({ file, kinds }) => file === source.file && kinds?.includes(source.kind),
  );
  return inCondition(text, condition?.when);
}

export function templateOf(file: string): string {
  const text = sourcesOf(file).map(documentTemplate).join('---\n');
  const whole = CONDITIONS.find((each) => each.file === file && each.kinds === undefined);
  const head = `{{- /* Made from manifests/base/${file} by scripts/chart.mjs: change it there. */ -}}\n`;
  return head + inCondition(text, whole?.when);
}
