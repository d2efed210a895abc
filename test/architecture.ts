// The parts of the code and who imports whom, from the imports themselves: for the picture of docs/architecture.md.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

/** What runs on a person's cluster, or on a person's machine; tests and scripts import all of it. */
const PROGRAMS = ['agent', 'webhook', 'cli', 'src'];

function sourceFiles(): readonly string[] {
  return globSync(
    PROGRAMS.map((program) => `${program}/**/*.ts`),
    { cwd: root },
  ).sort();
}

function importsOf(file: string): readonly string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found = [...text.matchAll(/(?:from|import\()\s*'(\.{1,2}\/[^']+)'/g)];
  return found.map(([, path = '']) => relative(root, join(root, dirname(file), path)));
}

const isBeside = (file: string): boolean =>
  file.split('/').length === 2 && !file.startsWith('src/');

/** Files beside a program's folders that those import, and what such a file imports of its kind: words, no wiring. */
function wordsOf(imports: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const words = new Set<string>();
  const add = (file: string): void => {
    if (!isBeside(file) || words.has(file)) return;
    words.add(file);
    for (const next of imports.get(file) ?? []) add(next);
  };
  for (const [file, targets] of imports) if (!isBeside(file)) targets.forEach(add);
  return words;
}

/** `from` → the parts that it imports, itself left out. A part is a folder, or what lies beside the folders. */
export function arrows(): ReadonlyMap<string, readonly string[]> {
  const imports = new Map(sourceFiles().map((file) => [file, importsOf(file)]));
  const words = wordsOf(imports);
  const partOf = (file: string): string => {
    const [program = '', folder = ''] = file.split('/');
    if (program === 'src') return program;
    if (!isBeside(file)) return `${program}/${folder}`;
    return words.has(file) ? `${program}/words` : program;
  };
  const known = new Map<string, Set<string>>();
  for (const [file, targets] of imports) {
    const part = partOf(file);
    const set = known.get(part) ?? new Set<string>();
    for (const target of targets) if (partOf(target) !== part) set.add(partOf(target));
    known.set(part, set);
  }
  return new Map([...known].map(([part, targets]) => [part, [...targets].sort()]));
}

const idOf = (part: string): string => part.replace('/', '_');

function labelOf(part: string): string {
  if (!part.includes('/')) return `${part}: wiring`;
  return part.endsWith('/words') ? 'ports and words' : part;
}

/** Left out: arrows to src, which everything may import and which imports nothing. */
export function picture(): string {
  const known = arrows();
  const parts = [...known.keys()].sort();
  const lines = ['flowchart TD'];
  for (const program of PROGRAMS.filter((each) => each !== 'src')) {
    const own = parts.filter((part) => part === program || part.startsWith(`${program}/`));
    if (own.length === 0) continue;
    lines.push(`  subgraph ${program}_ [${program}]`);
    for (const part of own) lines.push(`    ${idOf(part)}["${labelOf(part)}"]`);
    lines.push('  end');
  }
  lines.push('  src["src: words that all share"]');
  for (const [part, targets] of [...known].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const target of targets.filter((each) => each !== 'src')) {
      lines.push(`  ${idOf(part)} --> ${idOf(target)}`);
    }
  }
  return lines.join('\n');
}
