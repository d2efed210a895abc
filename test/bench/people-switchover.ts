// Switchovers as an operator asks for them: the shipped program, its rights, `--yes` and `--to`.

import { ROLE_LABEL } from '../../src/names.ts';
import { messageOf } from '../../src/errors.ts';
import { call, createPerson, type Person, rulesOf } from '../harness/people.ts';
import type { OurGroup } from './ours.ts';
import { type SwitchoverRound, switchoverRound } from './switchover-round.ts';

/** Characters of what the program says that are kept. */
const FAULT_MAX = 300;

export type Asked = Partial<SwitchoverRound> & {
  /** What the program tells of the agents' own measurement; undefined: it told none. */
  readonly printedMs: number | undefined;
  /** From its start to its end: a person waits so long. */
  readonly commandMs: number;
  /** Undefined: all went well. */
  readonly fault: string | undefined;
};

/** With the Service that its clients would use: without one the group is not healthy. */
export async function operatorOf({ controlPlane, group }: OurGroup): Promise<Person> {
  const { namespace } = group.account;
  await controlPlane.admin.create(`/api/v1/namespaces/${namespace}/services`, {
    metadata: { name: group.name },
    spec: { selector: { app: 'redis', [ROLE_LABEL]: 'master' }, ports: [{ port: 6379 }] },
  });
  return await createPerson(controlPlane, namespace, 'operator', rulesOf('operator'));
}

export async function askedSwitchover(
  ours: OurGroup,
  { kubeconfig }: Person,
  writes: number,
): Promise<Asked> {
  let printedMs: number | undefined;
  let commandMs = 0;
  let fault: string | undefined;
  const { group } = ours;
  const system = {
    access: ours.access,
    addresses: () => ours.addresses(),
    healthy: async () => await ours.healthy(),
    switchOver: async (master: string) => {
      const { pods } = group;
      const target = pods[(pods.indexOf(ours.pod(master)) + 1) % pods.length]?.name ?? '';
      const startedMs = performance.now();
      const told = await call(kubeconfig, ['switchover', group.name, '--to', target, '--yes']);
      commandMs = performance.now() - startedMs;
      const printed = /writes paused for (\d+) ms/.exec(told.stdout)?.[1];
      if (printed !== undefined) printedMs = Number(printed);
      if (told.code !== 0) fault = `exit ${told.code}: ${oneLine(told.stderr)}`;
    },
  };
  try {
    const round = await switchoverRound(system, writes);
    if (round.ms === undefined) fault ??= 'the writes did not move to another master';
    if (printedMs === undefined) fault ??= 'no pause was printed';
    if (round.lost > 0) fault ??= `${round.lost} acknowledged writes are lost`;
    return { ...round, printedMs, commandMs, fault };
  } catch (error) {
    return { printedMs, commandMs, fault: fault ?? messageOf(error) };
  }
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ').slice(0, FAULT_MAX);
}
