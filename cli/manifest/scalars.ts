// What a plain scalar means to kubectl: it reads YAML 1.1 by go-yaml v2, where `yes` is a boolean, 0400 is octal and
// 12:30 is a text. A manifest must say here what it will say there; test/kube/cli-yaml.test.ts asks kubectl itself.

import type { ScalarTag, Tags } from 'yaml';

const TRUE = /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/** Blanks of long numbers. */
function plain(text: string): string {
  return text.replaceAll('_', '');
}

function integer(text: string): number {
  const [, sign = '', digits = ''] = /^([-+]?)(.*)$/.exec(plain(text).toLowerCase()) ?? [];
  const isOctal = /^0[0-7]+$/.test(digits);
  const value = Number(isOctal ? `0o${digits.slice(1)}` : digits);
  return sign === '-' && value !== 0 ? -value : value;
}

const NULL: ScalarTag = {
  identify: (value) => value === null,
  default: true,
  tag: 'tag:yaml.org,2002:null',
  test: /^(?:~|null|Null|NULL)?$/,
  resolve: () => null,
};

const BOOLEAN: ScalarTag = {
  identify: (value) => typeof value === 'boolean',
  default: true,
  tag: 'tag:yaml.org,2002:bool',
  test: new RegExp(`${TRUE.source}|${FALSE.source}`),
  resolve: (text) => TRUE.test(text),
};

/** A number begins with a digit, a sign or a dot; blanks of long ones come later. */
const NUMBER: ScalarTag = {
  identify: (value) => typeof value === 'number',
  default: true,
  tag: 'tag:yaml.org,2002:float',
  test: /^[-+0-9.][-+0-9a-zA-Z._]*$/,
  resolve: (text) => {
    if (/^[-+]?\.(?:inf|Inf|INF)$/.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
    if (/^\.(?:nan|NaN|NAN)$/.test(text)) return Number.NaN;
    // Behind a dot blanks are none.
    const bare = text.startsWith('.') ? text : plain(text);
    if (INTEGER.test(bare)) return integer(bare);
    const value = FLOAT.test(bare) ? Number(bare) : Number.NaN;
    return Number.isFinite(value) ? value : text;
  },
};

/** In place of the library's own ones. */
export function kubectlTags(tags: Tags): Tags {
  const kept = tags.filter(
    (tag) => typeof tag === 'object' && /:(?:map|seq|str|merge)$/.test(tag.tag),
  );
  return [...kept, NULL, BOOLEAN, NUMBER];
}
