// What a person sees of a group on the day after: Events where kubectl shows them.

import type { Test } from 'tap';
import { waitFor } from '../harness/wait-for.ts';
import type { Group } from './group.ts';

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
