// Manifests as people write them, for the properties of the command line: the same StatefulSet in many hands.

import * as fc from 'fast-check';

/** Documents that are none of ours: each comes out byte for byte. */
const STRANGE = [
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}   # a comment\ndata:\n  x: "0123"\n  y: \'yes\'\n  z: 1e3\n',
  '# nothing but a comment\t(with a tab)\n',
  'kind: Widget\nspec: &s\n  on: off\n  list: [a, b,]\ncopy: *s\nmore:\n  <<: *s\n  mode: 0o644\n',
  'kind: ConfigMap\ndata:\n  script: |\n    #!/bin/sh\n    exec redis-server   \n\n\n  keep: |+\n    a\n\n  strip: >-\n    folded\n    text\n',
  '{"kind":"Secret","data":{"a":"YQ=="},"n":12345678901234567890}\n',
  '? complex key\n: - a\n  -   b\n',
  '"just a text"\n',
  '- a list\n- of: things\n',
  'kind: Pod\napiVersion: example.com/v1\nspec: {containers: [{name: redis, image: redis}]}\n',
  'kind: Service\napiVersion: v1\nmetadata:\n  name: \tredis\nspec:\n  ports: [{port: 6379}]\n',
  '',
];

const KINDS = [
  ['apps/v1', 'StatefulSet'],
  ['apps/v1', 'Deployment'],
  ['apps/v1', 'DaemonSet'],
  ['apps/v1', 'ReplicaSet'],
] as const;

/** Ways to write the labels of the template. */
const LABELS = [
  'labels: {app: redis}',
  'labels:\n  app: redis  # ours',
  'labels: &l\n  app: redis\nannotations:',
  'labels:\n  app: redis\nannotations: {}',
  'labels:\n  app: redis\nannotations:\n  # why\n  a: "1"\n  b: |\n    text\n',
  'annotations: {a: b, c: "d"}\nlabels: {"app": "redis"}',
  'labels:\n  app: redis\nannotations: {\n  a: b,\n  c: d  # last\n}',
];

/** Ways to write the container. */
const CONTAINERS = [
  '- name: redis\n  image: redis:7',
  '- name: redis\n  image: redis:7   # pinned\n  args: ["--save", ""]   # no snapshots',
  '- {name: redis, image: redis:7}',
  '- name: redis\n  image: "redis:7"\n  args:\n  - --appendonly\n  - \'yes\'\n  # the end',
  '- image: redis:7\n  command: [sh, -c]\n  args:\n    - |\n      # first\n      echo "starting"\n\n      exec redis-server --port 6379 \\\n        --save ""\n\n  name: redis',
  '- image: redis:7\n  name: redis\n  command:\n    - sh\n    - -c\n    - >-\n      exec redis-server\n      --port 6379\n  lifecycle: {}',
  "- name: redis\n  image: redis:7\n  command: ['sh', '-c', 'exec redis-server --port 6379']\n  lifecycle:\n    postStart:\n      exec: {command: [\"true\"]}",
  '- name: redis\n  image: bitnami/redis:7.0\n  env:\n    - name: REDIS_EXTRA_FLAGS\n      value: --maxmemory 1mb  # small\n    - {name: ALLOW_EMPTY_PASSWORD, value: "yes"}',
  '- name: redis\n  image: bitnami/redis:7.0\n  env: []',
  '- name: redis\n  image: redis:7\n  args: []\n  env: &e\n    - {name: A, value: "0777"}\n- name: metrics\n  image: oliver006/redis_exporter\n  env: *e',
  '-\n  name: redis\n  image: redis:7\n  args:\n',
];

const REST = [
  '',
  'terminationGracePeriodSeconds: 5   # quick',
  'terminationGracePeriodSeconds:\nserviceAccountName: default',
  'serviceAccountName: "default"\nautomountServiceAccountToken:\nvolumes:\n- name: data\n  emptyDir: {}',
  'initContainers:\n  - name: first\n    image: busybox\n    command: [sh, -c, "true"]\nvolumes: []',
  'volumes:\n    - {name: data, emptyDir: {}}\n    # more volumes here\n',
];

function indented(text: string, size: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(size));
}

const redisDocument = fc
  .tuple(
    fc.constantFrom(...KINDS),
    fc.constantFrom(...LABELS),
    fc.constantFrom(...CONTAINERS),
    fc.constantFrom(...REST),
    fc.constantFrom(0, 2),
    fc.boolean(),
  )
  .map(([[apiVersion, kind], labels, container, rest, dashes, isRestFirst]) => {
    const containers = `containers:\n${indented(container, dashes)}`;
    const parts = (isRestFirst ? [rest, containers] : [containers, rest]).filter(Boolean);
    const spec = `metadata:\n${indented(labels, 2)}\nspec:\n${indented(parts.join('\n'), 2)}`;
    return `# Redis\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: redis\nspec:\n  template:\n${indented(spec, 4)}\n`;
  });

/** The same in a List. */
const listDocument = fc
  .tuple(fc.array(redisDocument, { minLength: 1, maxLength: 2 }), fc.constantFrom(0, 2))
  .map(([documents, dashes]) => {
    const items = documents.map((each) =>
      indented(`-\n${indented(each.replace(/^# Redis\n/, ''), 2)}`, dashes),
    );
    return `kind: List   # of things\nitems:\n${items.join('')}apiVersion: v1\n`;
  });

const separator = fc.constantFrom(
  '---\n',
  '--- # next\n',
  '---   \n',
  '...\n---\n',
  '# between\n---\n\n',
);

function joined(documents: readonly string[], separators: readonly string[]): string {
  return documents.reduce((text, each, index) => {
    const between = separators[index % separators.length] ?? '---\n';
    return index === 0 ? each : `${text}${text.endsWith('\n') ? '' : '\n'}${between}${each}`;
  }, '');
}

function stream(document: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.array(document, { minLength: 1, maxLength: 4 }),
      fc.array(separator, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.constantFrom('', '---\n', '\ufeff', '%YAML 1.2\n---\n'),
      fc.constantFrom('', '\n', '# end', '...\n'),
      fc.integer({ min: 0, max: 3 }),
    )
    .map(([documents, separators, isWindows, start, end, cut]) => {
      const text = `${start}${joined(documents, separators)}${end}`;
      // Files that people save without a line break at the end.
      const whole = cut === 0 ? text.replace(/\n+$/, '') : text;
      return isWindows ? whole.replaceAll('\n', '\r\n') : whole;
    });
}

export const strangeStream = stream(fc.constantFrom(...STRANGE));
export const mixedStream = stream(
  fc.oneof(fc.constantFrom(...STRANGE), redisDocument, redisDocument, listDocument),
);
