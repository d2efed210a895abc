// The real server of the agent with views that a test makes up: for states that no test can hold in a real group.

import type { Test } from 'tap';
import { HttpServer } from '../../agent/http/server.ts';
import type { GroupView } from '../../src/group-view.ts';
import type { AgentReport } from '../../src/wire.ts';
import { freePorts } from '../harness/free-ports.ts';

/** No page reads it. */
const NO_REPORT = {} as AgentReport;

export type Canned = {
  readonly url: string;
  /** Told to all open pages, at once where it looks different. */
  readonly show: (view: GroupView) => void;
  readonly close: () => Promise<void>;
};

/** `at`: a port that is known to be free. */
export async function startCanned(t: Test, first: GroupView, at?: number): Promise<Canned> {
  let shown = first;
  const server = new HttpServer({
    report: () => NO_REPORT,
    view: () => shown,
    unhealthiness: () => null,
    unreadiness: () => null,
    prestop: () => Promise.resolve(''),
    metrics: () => Promise.resolve({ type: 'text/plain', text: '' }),
  });
  const [free = 0] = await freePorts(1);
  const port = at ?? free;
  await server.listen('127.0.0.1', port);
  // As an agent does, which publishes at least twice a second.
  const beat = setInterval(() => server.publish(NO_REPORT), 500);
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    clearInterval(beat);
    await server.close();
  };
  t.teardown(close);
  return {
    url: `http://127.0.0.1:${port}`,
    show: (view) => {
      shown = view;
      server.publish(NO_REPORT);
    },
    close,
  };
}
