// values.yaml, values.schema.json and the table of the docs: the same values, told three times.

import { stringify } from 'yaml';
import { object, type Schema } from './kubernetes-schemas.ts';
import { type Group, isGroup, type Leaf, valueTree } from './defaults.ts';
import { FROM_PARENT_CHARTS, SCHEMA_RULES } from './rules.ts';

const HEAD = `# What a release may set; docs/helm.md has the same as a table. A key that does not stand here is refused.
# Made by scripts/chart.mjs from scripts/chart/table.ts and manifests/base: change it there.
`;

function indented(text: string, depth: number): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? line : `${'  '.repeat(depth)}${line}`))
    .join('\n');
}

function leafLines(key: string, { value, initial }: Leaf): string {
  return `# ${value.text}\n${stringify({ [key]: initial }, { lineWidth: 0 })}`;
}

function groupLines(group: Group, depth: number): string {
  const parts = [...group.members].map(([key, member]) => {
    const text = isGroup(member) ? `${key}:\n${groupLines(member, 1)}` : leafLines(key, member);
    return depth === 0 ? `\n${text}` : text;
  });
  return indented(parts.join(''), depth);
}

export function valuesFile(): string {
  return HEAD + groupLines(valueTree(), 0);
}

function schemaOf(member: Group | Leaf): Schema {
  if (!isGroup(member)) return { description: member.value.text, ...member.value.schema };
  const members = [...member.members];
  const properties = Object.fromEntries(members.map(([key, each]) => [key, schemaOf(each)]));
  // Helm takes a default away where it is set to null: what is needed must stay.
  const required = members
    .filter(([, each]) => isGroup(each) || each.value.isOptional !== true)
    .map(([key]) => key);
  return object(properties, { required, ...SCHEMA_RULES[member.path] });
}

export function schemaFile(): string {
  const { properties, ...root } = schemaOf(valueTree());
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $comment: 'Made by scripts/chart.mjs from scripts/chart/table.ts: change it there.',
    ...root,
    properties: { ...(properties as object), ...FROM_PARENT_CHARTS },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** The longest default that a cell of the table shows. */
const CELL_MAX = 90;

function leaves(group: Group): readonly Leaf[] {
  return [...group.members.values()].flatMap((each) => (isGroup(each) ? leaves(each) : [each]));
}

/** Value, default and meaning of each, for the docs. */
export function valueRows(): readonly (readonly [string, string, string])[] {
  return leaves(valueTree()).map(({ path, value, initial }) => {
    const text = JSON.stringify(initial);
    const shown = text.length > CELL_MAX ? 'see values.yaml' : `\`${text}\``;
    return [`\`${path}\``, shown, value.text];
  });
}
