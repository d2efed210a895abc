// The commands and their --help. Each example was run: those of files by test/unit/cli-run.test.ts, those of a
// cluster by test/kube/command-line.test.ts.

import { helpText, type OptionSpec, type OptionTable } from '../src/options.ts';
import { VERSION } from '../src/version.ts';
import {
  CHECK_OPTIONS,
  EVENTS_OPTIONS,
  EXPLAIN_OPTIONS,
  HISTORY_OPTIONS,
  INJECT_OPTIONS,
  NO_OPTIONS,
  PAUSE_OPTIONS,
  RESUME_OPTIONS,
  UI_OPTIONS,
  STATUS_OPTIONS,
  SWITCHOVER_OPTIONS,
  UNINJECT_OPTIONS,
} from './options.ts';

type CommandText = {
  /** What it is about, besides its flags. */
  readonly usage: string;
  /** Words that are no flags: how many it needs and takes. */
  readonly subjects: readonly [least: number, most: number];
  readonly summary: string;
  readonly about: string;
  readonly examples: readonly string[];
  readonly options: OptionTable;
};

export const PROGRAM = 'redis-orchestrator';

export const COMMANDS = {
  status: {
    usage: '[GROUP]',
    subjects: [0, 1],
    summary: 'how a group is: master, Lease, members, who is next, what is wrong',
    about: `Without GROUP: all groups of the namespace; several are one table, with -v a screen each. -w looks again every
second and paints it in place. -o json and -o yaml write the view that /state has, too: that of GROUP, or a
list. Exit: 0 healthy, 3 degraded, 4 critical, 1 where it could not be seen; of several the worst.`,
    examples: [
      'status redis',
      'status -A',
      'status redis -v',
      'status redis -o json',
      'status redis -w',
    ],
    options: STATUS_OPTIONS,
  },
  switchover: {
    usage: 'GROUP',
    subjects: [1, 1],
    summary: 'make another pod master, without a lost write',
    about: `What must hold is printed first; then it asks, unless --yes. The master hands over, or refuses and says why
(exit 5). What is not answered within --wait is withdrawn, and what does not come about is undone (exit 6).`,
    examples: [
      'switchover redis --dry-run',
      'switchover redis --yes',
      'switchover redis --to redis-1 --yes --wait 30s',
    ],
    options: SWITCHOVER_OPTIONS,
  },
  pause: {
    usage: 'GROUP',
    subjects: [1, 1],
    summary: 'let nobody take over from a master that fails, for a time',
    about: `Fences and planned changes go on: a pause costs time, never data. Ends by itself. Waits until every agent
of the group knows it; where one does not, it says which (exit 1), and the pause stands. A pause takes the place
of the one before, which is told. Where somebody else's would end sooner by it, it asks; where there is no
terminal it refuses (exit 5), unless --yes.`,
    examples: ['pause redis --for 2h --reason "disks are moved"'],
    options: PAUSE_OPTIONS,
  },
  resume: {
    usage: 'GROUP',
    subjects: [1, 1],
    summary: 'end a pause',
    about: 'Waits until every agent of the group knows it.',
    examples: ['resume redis'],
    options: RESUME_OPTIONS,
  },
  history: {
    usage: 'GROUP',
    subjects: [1, 1],
    summary: 'the changes of master: when, to whom, and by which rule',
    about: 'The newest first, from the record of the Lease, which holds twenty.',
    examples: ['history redis', 'history redis --limit 3 -v'],
    options: HISTORY_OPTIONS,
  },
  events: {
    usage: 'GROUP',
    subjects: [1, 1],
    summary: 'Events of the group and its pods, and its terms, in the order of time',
    about: 'With -w it goes on with what comes.',
    examples: ['events redis', 'events redis --since 10m', 'events redis -w'],
    options: EVENTS_OPTIONS,
  },
  ui: {
    usage: '[--port PORT]',
    subjects: [0, 0],
    summary: 'the live page of each group in a browser, served on this machine alone',
    about: `Prints an address with a token in it and goes on until Ctrl-C. The page is the one that every agent has; it is
fed through the API server, with your rights. Without -A: the groups of one namespace.`,
    examples: ['ui', 'ui -A --port 8090'],
    options: UI_OPTIONS,
  },
  explain: {
    usage: 'POD | -f FILE',
    subjects: [0, 1],
    summary: 'tell whether each pod would be injected, by which rule, and what would be added',
    about: `Nothing is changed. -f may come several times. The label of a namespace counts where the Namespace is in
the input; else it is taken to be there.`,
    examples: ['explain redis-0', 'explain -f redis.yaml', 'explain -f redis.yaml -o json'],
    options: EXPLAIN_OPTIONS,
  },
  check: {
    usage: '[--pre | --installation | -f FILE]',
    subjects: [0, 0],
    summary:
      'look for what keeps a group from working; --pre: what would keep an installation from it',
    about: `√ fine, ‼ to be known (exit 3), × will not work (exit 4), ? may not be seen (exit 1 where nothing is worse);
each with its remedy. Without -f: what stands in the namespace, with -A in all of them: labels, Services,
groups and their health, pods without an agent, the webhook and what it makes. What belongs to all namespaces
may be hidden from whoever asks about one: that alone is no failure. The namespace itself must be seen (exit 1).
--pre: before the installation: version, APIs, clock, your rights, other webhooks, an installation that is
there already. Nothing is written: rights are asked for, and objects are tried in a dry run.
--installation: after it: the webhook, its trust, and what it makes in labelled namespaces. A group that is
not well changes nothing here: \`helm test\` asks this.
-f may come several times; what belongs together should be in one call.`,
    examples: [
      'check --pre',
      'check -A',
      'check --installation',
      'check -n shop',
      'check -f redis.yaml',
      'check -f namespace.yaml -f redis.yaml',
    ],
    options: CHECK_OPTIONS,
  },
  inject: {
    usage: '-f FILE',
    subjects: [0, 0],
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
    usage: '-f FILE',
    subjects: [0, 0],
    summary: 'write a manifest without the agent: the inverse, also of what the webhook did',
    about: `Takes back what inject or the webhook did, by the annotation redis-orchestrator.io/status. What others
added since then stays.`,
    examples: [
      'uninject -f injected.yaml',
      'inject -f redis.yaml | redis-orchestrator uninject -f -',
    ],
    options: UNINJECT_OPTIONS,
  },
  completion: {
    usage: 'bash|zsh|fish',
    subjects: [1, 1],
    summary: 'write a script that completes commands and flags in a shell',
    about: 'For bash: source <(redis-orchestrator completion bash), also in ~/.bashrc.',
    examples: ['completion bash', 'completion zsh', 'completion fish'],
    options: NO_OPTIONS,
  },
} as const satisfies Record<string, CommandText>;

export type Command = keyof typeof COMMANDS;

export function isCommand(word: string): word is Command {
  return Object.hasOwn(COMMANDS, word);
}

const EXIT_TEXT = `Exit status: 0 done or healthy, 1 failed, 2 wrong command line, 3 degraded, 4 critical, 5 refused, 6 timed
out or did not come about, and undone.`;

/** `program`: the name that it was called by. */
export function programHelp(program: string = PROGRAM): string {
  const rows = Object.entries(COMMANDS).map(
    ([name, { summary }]) => `  ${name.padEnd(12)}${summary}`,
  );
  return [
    `${program} ${VERSION}`,
    '',
    `${program} COMMAND [FLAGS]`,
    '',
    ...rows,
    '',
    'A kubeconfig leads to the cluster; with -f only files are read. Each command has --help, with examples.',
    EXIT_TEXT,
    '',
  ].join('\n');
}

export function commandHelp(command: Command, program: string = PROGRAM): string {
  const { usage, summary, about, examples, options } = COMMANDS[command];
  const flags = helpText(options);
  const hasVariables = Object.values<OptionSpec>(options).some(({ env }) => env !== '');
  return [
    `${program} ${command} ${usage}${flags === '' ? '' : ' [FLAGS]'}: ${summary}`,
    '',
    about,
    '',
    'Examples:',
    ...examples.map((example) => `  ${program} ${example.replaceAll(PROGRAM, program)}`),
    '',
    ...(flags === ''
      ? []
      : [
          `Flags${hasVariables ? ', and the variables of the environment that stand for them' : ''}:`,
          flags,
          '',
        ]),
    EXIT_TEXT,
    '',
  ].join('\n');
}
