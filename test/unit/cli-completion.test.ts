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

/** What bash offers for the last of these words. */
function offered(...words: readonly string[]): readonly string[] {
  const list = words.map((word) => `'${word}'`).join(' ');
  const script = `${completionScript('bash')}
COMP_WORDS=(redis-orchestrator ${list}); COMP_CWORD=${words.length}
_redis_orchestrator; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-u', '-c', script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout.trimEnd().split('\n');
}

await t.test('bash offers what may come next', { skip: !isHere('bash') && 'no bash' }, (t) => {
  t.same(offered('s'), ['status', 'switchover']);
  t.same(offered('switchover', 'redis', '--d'), ['--dry-run']);
  t.same(offered('status', '-o', ''), ['table', 'json', 'yaml']);
  t.same(offered('status', '--color', 'a'), ['auto', 'always']);
  t.same(offered('completion', ''), ['bash', 'zsh', 'fish', '--help']);
  t.same(offered('help', 'pa'), ['pause']);
  t.end();
});

for (const shell of ['zsh', 'fish'] as const) {
  await t.test(`${shell} can read its script`, { skip: !isHere(shell) && `no ${shell}` }, (t) => {
    const file = join(t.testdir({ script: completionScript(shell) }), 'script');
    const args = [shell === 'zsh' ? '-n' : '--no-execute', file];
    const { status, stderr } = spawnSync(shell, args, { encoding: 'utf8' });
    t.same([status, stderr], [0, '']);
    t.end();
  });
}
