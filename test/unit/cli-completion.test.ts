// Completion: every command, flag and choice of the tables, as the shell itself offers them where it is here.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { completionScript, SHELLS } from '../../cli/completion.ts';
import { COMMANDS } from '../../cli/help.ts';
import type { OptionSpec } from '../../src/options.ts';

const isHere = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

await t.test('each script names every command and every flag', (t) => {
  for (const shell of SHELLS) {
    const script = completionScript(shell);
    for (const [name, { options }] of Object.entries(COMMANDS)) {
      t.ok(script.includes(name), `${shell}: ${name}`);
      for (const { flag } of Object.values<OptionSpec>(options)) {
        t.ok(script.includes(flag), `${shell}: ${name} --${flag}`);
      }
    }
  }
  t.end();
});

/** What bash offers for the last of these words, in this folder. */
function offeredIn(cwd: string | undefined, ...words: readonly string[]): readonly string[] {
  const list = words.map((word) => `'${word}'`).join(' ');
  const script = `${completionScript('bash')}
COMP_WORDS=(redis-orchestrator ${list}); COMP_CWORD=${words.length}
_redis_orchestrator; [ "\${#COMPREPLY[@]}" -eq 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-u', '-c', script], {
    encoding: 'utf8',
    cwd,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.trimEnd().split('\n');
}

const offered = (...words: readonly string[]): readonly string[] => offeredIn(undefined, ...words);

await t.test('bash offers what may come next', { skip: !isHere('bash') && 'no bash' }, (t) => {
  t.same(offered('s'), ['status', 'switchover']);
  t.same(offered('switchover', 'redis', '--d'), ['--dry-run']);
  t.same(offered('status', '-o', ''), ['table', 'json', 'yaml']);
  t.same(offered('status', '--color', 'a'), ['auto', 'always']);
  t.same(offered('completion', ''), ['bash', 'zsh', 'fish', '--help']);
  t.same(offered('help', 'pa'), ['pause']);
  t.same(offered('status', '--output', '=', 'j'), ['json']);
  t.same(offered('status', '--output', '='), ['table', 'json', 'yaml']);
  t.end();
});

await t.test(
  'bash offers each command its own choices, no flag as a value, and files whole',
  { skip: !isHere('bash') && 'no bash' },
  (t) => {
    for (const [command, { options }] of Object.entries(COMMANDS)) {
      for (const { flag, kind, choices } of Object.values<OptionSpec>(options)) {
        if (kind === 'boolean' || flag === 'filename' || flag === 'kubeconfig') continue;
        const words = [command, `--${flag}`, ''] as const;
        t.same(offered(...words), choices ?? [''], words.join(' '));
      }
    }
    t.same(offered('events', 'redis', '-o', ''), ['table', 'json'], 'yaml is refused there');
    const folder = t.testdir({ 'my file.yaml': '', 'my*': '', other: '' });
    t.same(offeredIn(folder, 'check', '-f', 'my').toSorted(), ['my file.yaml', 'my*']);
    t.end();
  },
);

const noShell = (shell: string): string | false =>
  !isHere(shell) && `no ${shell} here: install it, and this runs`;

await t.test('fish offers what may come next', { skip: noShell('fish') }, (t) => {
  const script = join(t.testdir({ script: completionScript('fish') }), 'script');
  const offers = (line: string): readonly string[] => {
    const program = `source ${script}; complete -C '${line}'`;
    const args = ['--no-config', '-c', program];
    const { status, stdout, stderr } = spawnSync('fish', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return stdout
      .trimEnd()
      .split('\n')
      .flatMap((offer) => offer.split('\t')[0] ?? [])
      .toSorted();
  };
  t.same(offers('redis-orchestrator s'), ['status', 'switchover']);
  t.same(offers('redis-orchestrator switchover redis --d'), ['--dry-run']);
  t.same(offers('redis-orchestrator status -o '), ['json', 'table', 'yaml']);
  t.same(offers('redis-orchestrator completion '), ['bash', 'fish', 'zsh']);
  t.same(offers('redis-orchestrator events status -o '), ['json', 'table']);
  t.same(offers('redis-orchestrator switchover redis --to '), [''], 'nothing');
  t.end();
});

/** What a line of zsh becomes by the Tab key. Its line editor needs a terminal. */
const ZSH_DRIVER = `zmodload zsh/zpty
zpty asked env ZDOTDIR="$ZDOTDIR" zsh -i
zpty -w -n asked "$1"$'\\t\\x18'
for i in {1..100}; do [[ -s $ZDOTDIR/told ]] && break; sleep 0.05; done
zpty -d asked
cat "$ZDOTDIR/told"
`;
const ZSH_SETTINGS = `PROMPT=
autoload -Uz compinit; compinit -u -D
source "$ZDOTDIR/script"
tell() { print -r -- "$BUFFER" > "$ZDOTDIR/told"; BUFFER=; }
zle -N tell; bindkey '^X' tell
`;

await t.test('zsh completes a line', { skip: noShell('zsh') }, (t) => {
  const lines: readonly (readonly [string, string])[] = [
    ['redis-orchestrator swit', 'redis-orchestrator switchover'],
    ['redis-orchestrator switchover redis --dry', 'redis-orchestrator switchover redis --dry-run'],
    ['redis-orchestrator status -o ya', 'redis-orchestrator status -o yaml'],
    ['redis-orchestrator events redis -o ya', 'redis-orchestrator events redis -o ya'],
    [
      'redis-orchestrator switchover redis --to --dry',
      'redis-orchestrator switchover redis --to --dry',
    ],
    ['redis-orchestrator check -f a -f b --pr', 'redis-orchestrator check -f a -f b --pre'],
    ['redis-orchestrator completion fi', 'redis-orchestrator completion fish'],
  ];
  for (const [typed, completed] of lines) {
    const ZDOTDIR = t.testdir({
      script: completionScript('zsh'),
      driver: ZSH_DRIVER,
      '.zshrc': ZSH_SETTINGS,
    });
    const args = ['-f', join(ZDOTDIR, 'driver'), typed];
    const env = { ...process.env, ZDOTDIR };
    const { stdout, stderr } = spawnSync('zsh', args, { encoding: 'utf8', env });
    t.equal(stdout.trimEnd(), completed, stderr);
  }
  t.end();
});
