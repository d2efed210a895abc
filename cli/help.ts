// The texts of --help. Each example was run; test/unit/cli-run.test.ts runs them again.

import { helpText, type OptionTable } from '../src/options.ts';
import { VERSION } from '../src/version.ts';
import { CHECK_OPTIONS, EXPLAIN_OPTIONS, INJECT_OPTIONS, UNINJECT_OPTIONS } from './options.ts';

type CommandText = {
  readonly summary: string;
  readonly about: string;
  readonly examples: readonly string[];
  readonly options: OptionTable;
};

const PROGRAM = 'redis-orchestrator';

export const COMMANDS = {
  inject: {
    summary: 'write a manifest with the agent in its Redis pods, as the webhook would add it',
    about: `Pods, and the templates of StatefulSets, Deployments, ReplicaSets, DaemonSets, Jobs and CronJobs, also
in Lists, are changed where they run Redis. All else comes out byte for byte. What was done to each
pod, and what protects less, goes to standard error. Injecting again changes nothing.
The service account ${PROGRAM} and its Role must be in the namespace: the webhook makes them in
a labelled one; by hand they stand in manifests/examples/hand-written-sidecar.yaml.`,
    examples: [
      'inject -f redis.yaml',
      'inject -f redis.yaml --diff',
      'inject -n shop -f - < redis.yaml',
    ],
    options: INJECT_OPTIONS,
  },
  uninject: {
    summary: 'write a manifest without the agent: the inverse, also of what the webhook did',
    about: `Takes back what inject or the webhook did, by the annotation redis-orchestrator.io/status. What others
added since then stays.`,
    examples: [
      'uninject -f injected.yaml',
      'inject -f redis.yaml | redis-orchestrator uninject -f -',
    ],
    options: UNINJECT_OPTIONS,
  },
  explain: {
    summary: 'tell whether each pod would be injected, by which rule, and what would be added',
    about: `Nothing is changed. -f may come several times. The label of a namespace counts where the Namespace is in
the input; else it is taken to be there.`,
    examples: ['explain -f redis.yaml', 'explain -f redis.yaml -o json'],
    options: EXPLAIN_OPTIONS,
  },
  check: {
    summary: 'look for what keeps a group from working: labels, Services, groups, weaknesses',
    about: `-f may come several times; what belongs together should be in one call. √ fine, ‼ to be known (exit 3),
× will not work (exit 4); each with its remedy.`,
    examples: ['check -f redis.yaml', 'check -f namespace.yaml -f redis.yaml'],
    options: CHECK_OPTIONS,
  },
} as const satisfies Record<string, CommandText>;

export type Command = keyof typeof COMMANDS;

export function isCommand(word: string): word is Command {
  return Object.hasOwn(COMMANDS, word);
}

const EXIT_TEXT = `Exit status: 0 done, 1 failed, 2 wrong command line, 3 and 4 findings of check, 5 refused.`;

export function programHelp(): string {
  const rows = Object.entries(COMMANDS).map(
    ([name, { summary }]) => `  ${name.padEnd(10)}${summary}`,
  );
  return [
    `${PROGRAM} ${VERSION}`,
    '',
    `${PROGRAM} COMMAND -f FILE [FLAGS]`,
    '',
    ...rows,
    '',
    'Works on files alone: no cluster is asked. Each command has --help.',
    EXIT_TEXT,
    '',
  ].join('\n');
}

export function commandHelp(command: Command): string {
  const { summary, about, examples, options } = COMMANDS[command];
  return [
    `${PROGRAM} ${command} -f FILE|- [FLAGS]: ${summary}`,
    '',
    about,
    '',
    'Examples:',
    ...examples.map((example) => `  ${PROGRAM} ${example}`),
    '',
    'Flags, and the variables of the environment that stand for them:',
    helpText(options),
    '',
    EXIT_TEXT,
    '',
  ].join('\n');
}
