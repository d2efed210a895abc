// One table of options feeds the parser, --help, the docs and the validation of a program.
// Flags win over environment variables; all mistakes are told at once.

import { formatDuration, parseDuration } from './duration.ts';
import { quantityOf } from './quantity.ts';

export type OptionSpec = {
  /** Without the leading dashes. */
  readonly flag: string;
  readonly env: string;
  readonly kind: 'string' | 'boolean' | 'integer' | 'duration' | 'choice' | 'quantity';
  /** The default as a person would write it; absent: no default. */
  readonly fallback?: string;
  readonly required?: boolean;
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  /** Secrets may come by environment variable only in logs and help: never printed. */
  readonly secret?: boolean;
  readonly text: string;
};

export type OptionTable = Readonly<Record<string, OptionSpec>>;

type ValueOf<S extends OptionSpec> = S['kind'] extends 'boolean'
  ? boolean
  : S['kind'] extends 'integer' | 'duration'
    ? number
    : string;

/** Durations are milliseconds. An option with neither default nor requirement may be undefined. */
export type OptionValues<T extends OptionTable> = {
  readonly [K in keyof T]: T[K] extends { fallback: string } | { required: true }
    ? ValueOf<T[K]>
    : ValueOf<T[K]> | undefined;
};

export type ParsedOptions<T extends OptionTable> =
  | { readonly ok: true; readonly values: OptionValues<T> }
  | { readonly ok: false; readonly errors: readonly string[] };

type Raw = { readonly text: string; readonly source: string };

/** Reads the command line: `--flag value`, `--flag=value`, and a bare `--flag` for a boolean. */
function readFlags(
  table: OptionTable,
  args: readonly string[],
): { raw: Map<string, Raw>; errors: string[] } {
  const byFlag = new Map(Object.entries(table).map(([key, spec]) => [spec.flag, { key, spec }]));
  const raw = new Map<string, Raw>();
  const errors: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? '';
    const match = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(word);
    const known = match === null ? undefined : byFlag.get(match[1] ?? '');
    const next = args[index + 1];
    // The next flag is no value: `--agent-image --filename=x` lacks one.
    const hasNext = next !== undefined && !/^--[a-z]/.test(next);
    if (match === null || known === undefined) {
      errors.push(`${word}: unknown argument. Remedy: --help lists every flag.`);
      // Its value is no mistake of its own.
      if (match !== null && match[2] === undefined && hasNext) index++;
      continue;
    }
    let text = match[2];
    if (text === undefined && known.spec.kind === 'boolean') text = 'true';
    else if (text === undefined && hasNext) text = args[++index];
    if (text === undefined) {
      errors.push(`--${known.spec.flag}: has no value. Remedy: write --${known.spec.flag} VALUE.`);
      continue;
    }
    raw.set(known.key, { text, source: `--${known.spec.flag}` });
  }
  return { raw, errors };
}

function convert(spec: OptionSpec, raw: Raw): { value: unknown } | { error: string } {
  const shown = spec.secret === true ? '(hidden)' : JSON.stringify(raw.text);
  const wrong = (what: string, remedy: string) => ({
    error: `${raw.source}: ${shown} ${what}. Remedy: ${remedy}.`,
  });
  switch (spec.kind) {
    case 'string':
      return { value: raw.text };
    case 'boolean':
      if (raw.text === 'true' || raw.text === 'false') return { value: raw.text === 'true' };
      return wrong('is neither true nor false', 'write true or false');
    case 'choice':
      if (spec.choices?.includes(raw.text)) return { value: raw.text };
      return wrong('is not known', `choose one of ${spec.choices?.join(', ')}`);
    case 'integer': {
      const value = /^-?\d+$/.test(raw.text) ? Number(raw.text) : Number.NaN;
      const { min = 0, max = Number.MAX_SAFE_INTEGER } = spec;
      if (Number.isSafeInteger(value) && value >= min && value <= max) return { value };
      return wrong('is no valid number', `write a whole number from ${min} to ${max}`);
    }
    case 'quantity':
      if (quantityOf(raw.text) !== undefined) return { value: raw.text };
      return wrong('is no quantity of Kubernetes', 'write one such as 500m, 1.5, 128Mi or 1G');
    case 'duration': {
      const value = parseDuration(raw.text);
      const { min = 0, max = Number.MAX_SAFE_INTEGER } = spec;
      if (value !== undefined && value >= min && value <= max) return { value };
      const range =
        max === Number.MAX_SAFE_INTEGER
          ? `of at least ${formatDuration(min)}`
          : `from ${formatDuration(min)} to ${formatDuration(max)}`;
      return wrong(
        'is no valid duration',
        `write a duration ${range}, such as 500ms, 15s or 1m30s`,
      );
    }
  }
}

/** Why a text is no value of an option, in one sentence that begins with `source`; undefined: it is one. */
export function optionFault(spec: OptionSpec, text: string, source: string): string | undefined {
  const result = convert(spec, { text, source });
  return 'error' in result ? result.error : undefined;
}

/** What may be written as the value of an option, for people. */
export function valuesOf(spec: OptionSpec): string {
  switch (spec.kind) {
    case 'boolean':
      return 'true or false';
    case 'choice':
      return spec.choices?.join(', ') ?? '';
    case 'integer':
      return `a whole number from ${spec.min ?? 0}`;
    case 'duration':
      return 'a duration such as 15s';
    case 'quantity':
      return 'a quantity such as 500m or 128Mi';
    case 'string':
      return 'a text';
  }
}

/** Parses flags over environment over defaults. An empty environment variable counts as absent. */
export function parseOptions<T extends OptionTable>(
  table: T,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ParsedOptions<T> {
  const { raw, errors } = readFlags(table, args);
  const values: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries(table)) {
    const fromEnv = env[spec.env];
    const given =
      raw.get(key) ??
      (fromEnv === undefined || fromEnv === '' ? undefined : { text: fromEnv, source: spec.env }) ??
      (spec.fallback === undefined ? undefined : { text: spec.fallback, source: 'default' });
    if (given === undefined || (given.text === '' && spec.required === true)) {
      if (spec.required === true) {
        const variable = spec.env === '' ? '' : ` or ${spec.env}`;
        errors.push(`--${spec.flag}: is missing. Remedy: set --${spec.flag}${variable}.`);
      }
      continue;
    }
    const result = convert(spec, given);
    if ('error' in result) errors.push(result.error);
    else values[key] = result.value;
  }
  if (errors.length > 0) return { ok: false, errors };
  return { ok: true, values: values as OptionValues<T> };
}

/** The options part of --help: flag, variable, default and meaning, in the table's order. */
export function helpText(table: OptionTable): string {
  const rows = Object.values(table).map((spec) => ({
    left: `--${spec.flag}`,
    env: spec.env,
    text: `${spec.text}${spec.choices ? ` (${spec.choices.join(', ')})` : ''}${
      spec.required === true && spec.fallback === undefined
        ? ' (required)'
        : spec.fallback
          ? ` (default: ${spec.fallback})`
          : ''
    }`,
  }));
  const width = (key: 'left' | 'env'): number => Math.max(...rows.map((row) => row[key].length));
  const [leftWidth, envWidth] = [width('left'), width('env')];
  return rows
    .map((row) => `  ${row.left.padEnd(leftWidth)}  ${row.env.padEnd(envWidth)}  ${row.text}`)
    .join('\n');
}

/** The same table for the docs. */
export function markdownTable(table: OptionTable): string {
  const rows = Object.values(table).map((spec) => {
    const fallback =
      spec.required === true ? 'required' : spec.fallback ? `\`${spec.fallback}\`` : '–';
    const text = `${spec.text}${spec.choices ? ` (${spec.choices.join(', ')})` : ''}`;
    return `| \`--${spec.flag}\` | \`${spec.env}\` | ${fallback} | ${text} |`;
  });
  return ['| flag | environment | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}
