// The commands that read files alone. Nothing is written here: a command that fails half-way has written nothing.

import { resourceErrors, selectorErrors } from '../src/injection-options.ts';
import { isNamespaceName } from '../src/names.ts';
import { type OptionTable, type OptionValues, parseOptions } from '../src/options.ts';
import { inject } from './commands/inject.ts';
import { checkAll, coreOf, explainAll } from './commands/on-manifests.ts';
import { uninject } from './commands/uninject.ts';
import { EXIT, type Outcome, outcome } from './exit-codes.ts';
import { type Manifest, parseManifest } from './manifest/parse.ts';
import { type ReadFile, readText } from './read-text.ts';
import { CHECK_OPTIONS, EXPLAIN_OPTIONS, INJECT_OPTIONS, UNINJECT_OPTIONS } from './options.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type FileCommand = 'inject' | 'uninject' | 'explain' | 'check';

/** `files`: at least one. */
export async function runFiles(
  command: FileCommand,
  files: readonly string[],
  otherFlags: readonly string[],
  env: Environment,
  read: ReadFile,
): Promise<Outcome> {
  // The last file stands for all in the table.
  const flags = [...otherFlags, ...files.slice(-1).map((file) => `--filename=${file}`)];
  switch (command) {
    case 'inject':
      return await withOptions(INJECT_OPTIONS, flags, env, async (values) => {
        const core = coreOf(values);
        return await onOne(command, files, read, (manifest) =>
          inject(manifest, core, values.namespace, values.diff),
        );
      });
    case 'uninject':
      return await withOptions(UNINJECT_OPTIONS, flags, env, async ({ diff }) =>
        onOne(command, files, read, (manifest) => uninject(manifest, diff)),
      );
    case 'explain':
      return await withOptions(EXPLAIN_OPTIONS, flags, env, async (values) =>
        onAll(files, read, (manifests) => explainAll(manifests, values)),
      );
    case 'check':
      return await withOptions(CHECK_OPTIONS, flags, env, async (values) => {
        const { pre, installation, allNamespaces } = values;
        const flagsOfLive = { pre, installation, 'all-namespaces': allNamespaces };
        const [live] = Object.entries(flagsOfLive).find(([, isGiven]) => isGiven) ?? [];
        if (live !== undefined) {
          const why = `--${live}: looks into a cluster, and -f into a file`;
          return outcome(EXIT.usage, '', [`${why}. Remedy: leave one of them out.`]);
        }
        return await onAll(files, read, (manifests) => checkAll(manifests, values));
      });
  }
}

export async function withOptions<T extends OptionTable>(
  table: T,
  flags: readonly string[],
  env: Environment,
  act: (values: OptionValues<T>) => Promise<Outcome>,
): Promise<Outcome> {
  const parsed = parseOptions(table, flags, env);
  if (!parsed.ok) return outcome(EXIT.usage, '', parsed.errors);
  const injection = 'selector' in table ? injectionErrors(parsed.values) : [];
  const errors = [...namespaceErrors(table, parsed.values), ...injection];
  return errors.length > 0 ? outcome(EXIT.usage, '', errors) : await act(parsed.values);
}

/** Any other text would lead to another object of the API server, or make broken JSON. */
function namespaceErrors(table: OptionTable, values: object): readonly string[] {
  const told = Object.entries(values) as readonly (readonly [string, unknown])[];
  return told.flatMap(([key, value]) => {
    const isNamespace = key === 'namespace' || key === 'systemNamespace';
    if (!isNamespace || typeof value !== 'string' || isNamespaceName(value)) return [];
    const remedy = 'Remedy: write at most 63 small letters, digits and dashes';
    const what = `${JSON.stringify(value)} is no name of a namespace`;
    return [`--${table[key]?.flag}: ${what}. ${remedy}, such as redis-shop.`];
  });
}

function injectionErrors(values: object): readonly string[] {
  const injection = values as OptionValues<typeof INJECT_OPTIONS>;
  return [...selectorErrors(injection.selector), ...resourceErrors(injection)];
}

async function onOne(
  command: string,
  files: readonly string[],
  read: ReadFile,
  act: (manifest: Manifest) => Outcome,
): Promise<Outcome> {
  if (files.length > 1) {
    const remedy = `Remedy: call ${command} for each, or send all of them to -f -.`;
    return outcome(EXIT.usage, '', [`-f: ${command} takes one file. ${remedy}`]);
  }
  return await onAll(files, read, ([manifest]) =>
    manifest === undefined ? outcome(EXIT.ok, '') : act(manifest),
  );
}

async function onAll(
  files: readonly string[],
  read: ReadFile,
  act: (manifests: readonly Manifest[]) => Outcome,
): Promise<Outcome> {
  const manifests: Manifest[] = [];
  const errors: string[] = [];
  for (const name of files) {
    const text = await readText(name, read);
    const parsed = text.ok ? parseManifest(name === '-' ? 'stdin' : name, text.text) : text;
    if (parsed.ok) manifests.push(parsed.manifest);
    else errors.push(...parsed.errors);
  }
  return errors.length > 0 ? outcome(EXIT.failed, '', errors) : act(manifests);
}
