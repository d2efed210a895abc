// What a person sees of a group on the day after: Events where kubectl shows them, and the commands of the runbooks.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { RULE_NAMES, type RuleName } from '../../src/monitoring/rules.ts';
import { PAUSE_ANNOTATION, requestLeaseName } from '../../src/names.ts';
import { REPOSITORY } from '../harness/programs.ts';
import { waitFor } from '../harness/wait-for.ts';
import { SYSTEM_NAMESPACE } from './cluster.ts';
import type { Group } from './group.ts';

const run = promisify(execFile);

/** After a master was killed and another one's pod deleted. */
export async function eventsTell(t: Test, group: Group): Promise<void> {
  const about = `statefulset/${group.name}`;
  const wanted = [
    /MasterElected .*is master of term \d+: /,
    /Warning +Failover .* → .* is master of term \d+: .*the election took \d+ ms/,
    /Normal +SwitchoverCompleted .* → .* is master of term \d+: .*writes paused for \d+ ms/,
  ];
  const shows = async (what: string, ...args: string[]): Promise<void> => {
    const text = await waitFor(
      `${what} shows the Events`,
      async () => {
        const shown = await group.kubectl(...args);
        return wanted.every((line) => line.test(shown)) ? shown : undefined;
      },
      { timeoutMs: 20_000, everyMs: 500, picture: async () => await group.kubectl(...args) },
    );
    for (const line of wanted) t.match(text, line, what);
    const told = text.split('\n').filter((line) => /MasterElected|Failover|Switchover/.test(line));
    t.comment(`${what}:\n${told.join('\n')}`);
  };
  await shows('kubectl events', 'events', '--for', about);
  await shows('kubectl describe sts', 'describe', 'sts', group.name);
}

/** The commands under "How to confirm", but for those of the command line, which has tests of its own. */
function commandsOf(name: RuleName): readonly string[] {
  const page = readFileSync(join(REPOSITORY, 'docs', 'runbooks', `${name}.md`), 'utf8');
  const [, confirm = ''] = /## How to confirm([^]*?)\n## /.exec(page) ?? [];
  const blocks = [...confirm.matchAll(/```sh\n([^]*?)```/g)].map(([, text = '']) => text);
  return blocks.flatMap((text) => {
    const lines = text.split('\n').filter((line) => !line.startsWith('redis-orchestrator '));
    const rest = lines.join('\n').trim();
    return rest === '' ? [] : [rest];
  });
}

export async function runbooks(t: Test, group: Group): Promise<void> {
  const { namespace, name } = group;
  const expires = new Date(Date.now() + 60_000).toISOString();
  const pause = JSON.stringify({ by: 'the test', reason: 'a drill', expires });
  await group.cluster.coordination.createNamespacedLease({
    namespace,
    body: {
      metadata: { name: requestLeaseName(name), annotations: { [PAUSE_ANNOTATION]: pause } },
    },
  });
  const { items } = await group.cluster.core.listNamespacedPod({ namespace: SYSTEM_NAMESPACE });
  const webhook = items[0]?.metadata?.name ?? '';
  for (const rule of RULE_NAMES) {
    const POD = rule === 'WebhookUnhealthy' ? webhook : `${name}-0`;
    const env = { ...group.cluster.env, NS: namespace, GROUP: name, POD };
    for (const command of commandsOf(rule)) {
      // In a page it is written as a word that one replaces.
      const text = command.replaceAll(/(?<![A-Z$])POD\b/g, '$POD');
      // What ran before a restart is there only after one.
      const lines = text.replaceAll(/^.*--previous.*$/gm, 'true');
      await t.resolves(run('bash', ['-euo', 'pipefail', '-c', lines], { env }), `${rule}: ${text}`);
    }
  }
  await group.kubectl('annotate', 'lease', requestLeaseName(name), `${PAUSE_ANNOTATION}-`);
}
