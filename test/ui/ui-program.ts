// The command `ui` as a person calls it who may look and nothing else: the bundle, a kubeconfig, a printed address.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlane } from '../harness/control-plane.ts';
import type { Group } from '../harness/group.ts';
import { createPerson, rulesOf } from '../harness/people.ts';
import { REPOSITORY } from '../harness/programs.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Ends with the workspace; answers with the address. */
export async function startUi(controlPlane: ControlPlane, group: Group): Promise<string> {
  const { namespace } = group.account;
  const { kubeconfig } = await createPerson(controlPlane, namespace, 'vera', rulesOf('viewer'));
  const bundle = join(REPOSITORY, 'dist', 'redis-orchestrator.mjs');
  const program = controlPlane.workspace.start('ui', process.execPath, [bundle, 'ui'], {
    env: { KUBECONFIG: kubeconfig },
  });
  return await waitFor(
    'the address is printed',
    () => {
      if (!program.isRunning) throw new Error(program.tail());
      return /^http:\S+$/m.exec(readFileSync(program.logFile, 'utf8'))?.[0];
    },
    { timeoutMs: 10_000, picture: () => program.tail() },
  );
}
