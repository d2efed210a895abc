// ui: the live pages of all groups on this machine, until Ctrl-C. Whoever has the printed address sees what the
// kubeconfig lets its owner see, and changes nothing.

import { messageOf } from '../../src/errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { refusalText } from './cluster.ts';
import type { Session } from './context.ts';
import { findGroups } from './find-groups.ts';
import { isThere, look, type Look, lookAtAll } from './look.ts';
import { UiServer } from '../ui/server.ts';
import type { GroupsSource, Looked } from '../ui/source.ts';

export type UiOptions = {
  /** 0: any free one. */
  readonly port: number;
  /** Null: the groups of all namespaces. */
  readonly namespace: string | null;
};

export async function ui(session: Session, { port, namespace }: UiOptions): Promise<ExitCode> {
  const { console } = session;
  const server = new UiServer(sourceOf(session, namespace), () => performance.now());
  let address: string;
  try {
    address = await server.listen(port);
  } catch (error) {
    console.note(`--port: ${messageOf(error)}. Remedy: choose another, or 0 for any free one.`);
    return EXIT.failed;
  }
  const signal = session.interruption();
  console.write(`${address}\n`);
  console.note('Open it in a browser; Ctrl-C ends it. Who has the address sees what you may see.');
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }
  await server.close();
  return EXIT.ok;
}

function sourceOf({ cluster, clock }: Session, namespace: string | null): GroupsSource {
  return {
    list: async () => {
      const { groups, refusals } = await findGroups(cluster, namespace);
      const there = await lookAtAll(cluster, groups, clock);
      const notes = [...refusals.map(refusalText), ...there.flatMap(rightsMissing)];
      return { looks: there.map(lookedOf), notes: [...new Set(notes)] };
    },
    look: async (where, group) => {
      const seen = await look(cluster, where, group, clock);
      return isThere(seen) ? lookedOf(seen) : null;
    },
  };
}

function rightsMissing({ missing }: Look): readonly string[] {
  return missing.map((right) => `you may not ${right}`);
}

function lookedOf({ view, isBlind }: Look): Looked {
  return { view, isKnown: !isBlind };
}
