// What we read from a command line and a redis.conf, against redis-server itself: random ones are written, the
// server is started with each, and what CONFIG GET says is compared with what we read.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import t, { type Test } from 'tap';
import { configPassword } from '../../agent/redis/config-password.ts';
import { directives } from '../../src/redis-words.ts';
import { optionValue, readServerArguments } from '../../webhook/core/server-arguments.ts';
import { withRedis } from '../harness/redis-client.ts';
import { redisServerProgram, redisVersion } from '../harness/redis-server.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { ManagedProcess } from '../harness/workspace.ts';
import { PATIENCE_MS, Stage } from './setup.ts';

const CASES = 120;
const TREES = 60;
const AT_ONCE = 4;
const seed = Number(process.env['RO_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const stage = await Stage.open(t);

/** Their values where nobody sets them. */
const DEFAULTS = {
  requirepass: '',
  masterauth: '',
  masteruser: '',
  'min-replicas-to-write': '0',
  'replica-priority': '100',
  appendonly: 'no',
  timeout: '0',
} as const;
type Name = keyof typeof DEFAULTS;

const text = fc.string({
  unit: fc.constantFrom(...'ab1 \t"\'\\#$-_;{}é=nx4'.split('')),
  minLength: 1,
  maxLength: 12,
});
const number = fc.nat(500).map(String);
const valueOf = (name: Name): fc.Arbitrary<string> => {
  if (name === 'appendonly') return fc.constantFrom('yes', 'no');
  const isText = name === 'requirepass' || name === 'masterauth' || name === 'masteruser';
  return isText ? text : number;
};
const setting = fc.constantFrom(...(Object.keys(DEFAULTS) as Name[])).chain((name) =>
  valueOf(name).chain((value) =>
    fc.tuple(fc.boolean()).map(([shouts]) => ({
      name: shouts ? name.toUpperCase() : name,
      value,
    })),
  ),
);

/** As a person may write it in a file, or in one word: in quotes of either kind, or plain. */
const quoted = (value: string): fc.Arbitrary<string> => {
  const escaped = value.replaceAll(/["\\]/g, (char) => `\\${char}`);
  const hex = [...Buffer.from(value)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`);
  const isSingle = !value.includes("'") && !value.includes('\\');
  const isPlain = /^[\w=;{}$é][\w=;{}$é#-]*$/.test(value);
  return fc.constantFrom(
    `"${escaped.replaceAll('\t', '\\t')}"`,
    `"${hex.join('')}"`,
    ...(isSingle ? [`'${value}'`] : []),
    ...(isPlain ? [value] : []),
  );
};

const argument = setting.chain(({ name, value }) =>
  fc.oneof(
    fc.constant([`--${name}`, value]),
    quoted(value).map((word) => [`--${name} ${word}`]),
  ),
);
const line = fc.oneof(
  {
    weight: 6,
    arbitrary: setting.chain(({ name, value }) => quoted(value).map((word) => `${name}   ${word}`)),
  },
  { weight: 1, arbitrary: fc.constantFrom('', '# requirepass no', '   # comment "', '\t') },
);
const written = fc.record({
  file: fc.option(
    fc.record({
      lines: fc.array(line, { maxLength: 8 }),
      end: fc.constantFrom('\n', '\r\n', ' \n'),
    }),
    { nil: undefined },
  ),
  readsInput: fc.boolean(),
  words: fc.array(argument, { maxLength: 6 }).map((parts) => parts.flat()),
});
type Written = typeof written extends fc.Arbitrary<infer W> ? W : never;

/** Words of the command line, and the content of its file. */
function commandLine({ file, readsInput, words }: Written, index: number) {
  const conf = file?.lines.map((each) => `${each}${file.end}`).join('') ?? '';
  const path = join(stage.folder(), `redis-${index}.conf`);
  if (file !== undefined) writeFileSync(path, conf);
  const input = readsInput && file === undefined ? ['-'] : [];
  return { conf, args: [...(file === undefined ? [] : [path]), ...input, ...words] };
}

/** A file and those that it includes: by name, or by a pattern for several at once. */
type Tree = { readonly lines: readonly (string | { readonly files: readonly Tree[] })[] };
const secretLine = fc
  .tuple(fc.constantFrom('requirepass', 'masterauth', 'MasterAuth'), text)
  .chain(([name, value]) => quoted(value).map((word) => `${name} ${word}`));
const tree = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.record({
    lines: fc.array(
      fc.oneof(
        { maxDepth: 3, depthIdentifier: 'files' },
        secretLine,
        fc.record({
          files: fc.array(tie('tree'), { minLength: 1, maxLength: 3, depthIdentifier: 'files' }),
        }),
      ),
      { maxLength: 4 },
    ),
  }),
})).tree;

/** Writes them; several files are included by a pattern, in the order of their names. */
function writeTree({ lines }: Tree, path: string): string {
  const words = lines.map((line, at) => {
    if (typeof line === 'string') return line;
    const paths = line.files.map((inner, index) => writeTree(inner, `${path}-${at}.${index}`));
    const shout = at % 2 === 0 ? 'include' : 'INCLUDE';
    return `${shout} ${paths.length === 1 ? paths[0] : `${path}-${at}.[0-9]`}`;
  });
  writeFileSync(path, words.map((line) => `${line}\n`).join(''));
  return path;
}

type Outcome =
  | { readonly kind: 'same' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'other'; readonly what: string };

async function compare(each: Written, index: number): Promise<Outcome> {
  const { conf, args } = commandLine(each, index);
  const address = stage.network.address();
  const own = ['--bind', address, '--dir', stage.folder(), '--save', ''];
  const all = [...args, ...own];
  const read = readServerArguments(all);
  const ours = (name: Name): string =>
    optionValue(read, name) ??
    directives(conf).findLast(([word]) => word === name)?.[1] ??
    DEFAULTS[name];
  const process = stage.workspace.start(`redis-${index}`, redisServerProgram(), all);
  try {
    if (!(await isServing(process))) return { kind: 'refused' };
    const password = ours('requirepass');
    const access = password === '' ? {} : { password };
    const shown = await withRedis(address, access, async (client) => {
      const reply = (await client.config('GET', '*')) as string[];
      return new Map(
        reply.flatMap((name, at) => (at % 2 === 0 ? [[name, reply[at + 1]] as const] : [])),
      );
    });
    for (const name of Object.keys(DEFAULTS) as Name[]) {
      if (shown.get(name) !== ours(name)) {
        const values = `Redis ${JSON.stringify(shown.get(name))}, we ${JSON.stringify(ours(name))}`;
        return { kind: 'other', what: `${name}: ${values}: ${JSON.stringify({ args, conf })}` };
      }
    }
    return { kind: 'same' };
  } catch (error) {
    return { kind: 'other', what: `${String(error)}: ${JSON.stringify({ args, conf })}` };
  } finally {
    await process.stop();
  }
}

/** The password that the server asks for, or for its own master, beside what the agent reads in its files. */
async function compareTree(each: Tree, index: number): Promise<Outcome> {
  const path = writeTree(each, join(stage.folder(), `tree-${index}.conf`));
  const address = stage.network.address();
  const args = [path, '--bind', address, '--dir', stage.folder(), '--save', ''];
  const process = stage.workspace.start(`tree-${index}`, redisServerProgram(), args);
  try {
    if (!(await isServing(process))) return { kind: 'refused' };
    const ours = configPassword(path);
    const access = ours === undefined ? {} : { password: ours };
    const theirs = await withRedis(address, access, async (client) => {
      const [, password = ''] = (await client.config('GET', 'requirepass')) as string[];
      const [, auth = ''] = (await client.config('GET', 'masterauth')) as string[];
      return password || auth || undefined;
    });
    if (theirs === ours) return { kind: 'same' };
    return { kind: 'other', what: `Redis ${theirs}, we ${ours}: ${JSON.stringify(each)}` };
  } catch (error) {
    return { kind: 'other', what: `${String(error)}: ${JSON.stringify(each)}` };
  } finally {
    await process.stop();
  }
}

/** Whether it got through its configuration. */
async function isServing(process: ManagedProcess): Promise<boolean> {
  return await waitFor(
    'it serves, or refuses its configuration',
    () => {
      if (!process.isRunning) return 'refused';
      return process.tail(10_000).includes('eady to accept connections') && 'serving';
    },
    { timeoutMs: PATIENCE_MS, everyMs: 10 },
  ).then((result) => result === 'serving');
}

/** Each case by a server of its own, a few at a time. */
async function compareAll<C>(
  t: Test,
  cases: readonly C[],
  compareOne: (each: C, index: number) => Promise<Outcome>,
): Promise<void> {
  t.comment(`RO_SEED=${seed}, Redis ${redisVersion()}`);
  const outcomes: Outcome[] = [];
  const queue = cases.entries();
  const work = async (): Promise<void> => {
    for (const [index, each] of queue) outcomes.push(await compareOne(each, index));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const counted = (kind: Outcome['kind']): number =>
    outcomes.filter((each) => each.kind === kind).length;
  for (const outcome of outcomes) if (outcome.kind === 'other') t.fail(outcome.what);
  t.comment(`${counted('same')} read alike, ${counted('refused')} refused by the server itself`);
  t.ok(counted('same') >= cases.length / 2, 'most of them are configurations that a server takes');
}

await t.test('random command lines and files are read as redis-server reads them', async (t) => {
  await compareAll(t, fc.sample(written, { seed, numRuns: CASES }), compare);
});

await t.test(
  'files that include others, by name and by pattern: the last password of all wins',
  async (t) => {
    await compareAll(t, fc.sample(tree, { seed, numRuns: TREES }), compareTree);
  },
);
