// The commands that look into a cluster, from their flags to their exit code.

import { messageOf, OrchestratorError } from '../src/errors.ts';
import { isObjectName } from '../src/names.ts';
import type { OptionTable, OptionValues } from '../src/options.ts';
import { ui } from './live/ui.ts';
import { EXIT, type ExitCode, type Outcome, outcome } from './exit-codes.ts';
import type { Command } from './help.ts';
import { type ColorChoice, isColored, type Session, type World } from './live/context.ts';
import { events } from './live/events.ts';
import { history } from './live/history.ts';
import { pause, resume } from './live/pause.ts';
import { checkInstalled } from './live/check-installed.ts';
import { checkLive } from './live/check-live.ts';
import { explainLive } from './live/explain-live.ts';
import { preflight } from './live/preflight.ts';
import { status } from './live/status.ts';
import { switchover } from './live/switchover.ts';
import {
  CHECK_OPTIONS,
  EVENTS_OPTIONS,
  EXPLAIN_OPTIONS,
  HISTORY_OPTIONS,
  PAUSE_OPTIONS,
  RESUME_OPTIONS,
  UI_OPTIONS,
  STATUS_OPTIONS,
  SWITCHOVER_OPTIONS,
} from './options.ts';
import { type Environment, withOptions } from './run-files.ts';

export type LiveCommand = Exclude<Command, 'inject' | 'uninject' | 'completion'>;

const REASON_MAX = 253;

type ClusterValues = {
  readonly namespace: string | undefined;
  readonly context: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly timeout: number;
  readonly color?: string;
};

export async function runLive(
  command: LiveCommand,
  subject: string | undefined,
  flags: readonly string[],
  env: Environment,
  world: World,
): Promise<Outcome> {
  if (subject !== undefined && !isObjectName(subject)) {
    // It would lead to another object of the API server.
    const what = command === 'explain' ? 'POD' : 'GROUP';
    const remedy =
      'Remedy: write small letters, digits, dashes and dots; status -A lists the groups.';
    return outcome(EXIT.usage, '', [`${what}: ${JSON.stringify(subject)} is no name. ${remedy}`]);
  }
  const group = subject ?? '';
  const live = async <T extends OptionTable>(
    table: T,
    act: (session: Session, values: OptionValues<T>) => Promise<ExitCode | Outcome>,
  ): Promise<Outcome> =>
    await withOptions(table, flags, env, async (values) => {
      const settings = values as unknown as ClusterValues;
      return await inSession(settings, env, world, async (session) => await act(session, values));
    });
  switch (command) {
    case 'status':
      return await live(STATUS_OPTIONS, async (session, values) => {
        const { allNamespaces: isEverywhere, watch, verbose, output } = values;
        const options = { group: subject, isEverywhere, isWatched: watch, isVerbose: verbose };
        return await status(session, { ...options, output });
      });
    case 'switchover':
      return await live(SWITCHOVER_OPTIONS, async (session, values) => {
        const { to, dryRun, yes, wait } = values;
        const options = { group, target: to, isDry: dryRun, isAgreed: yes, waitMs: wait };
        return await switchover(session, options);
      });
    case 'pause':
      return await live(PAUSE_OPTIONS, async (session, { for: forMs, reason, wait, yes }) =>
        reason.length > REASON_MAX
          ? outcome(EXIT.usage, '', [
              `--reason: has ${reason.length} characters. Remedy: write at most ${REASON_MAX}.`,
            ])
          : await pause(session, { group, forMs, reason, waitMs: wait, isAgreed: yes }),
      );
    case 'resume':
      return await live(RESUME_OPTIONS, async (session, { wait }) =>
        resume(session, { group, waitMs: wait }),
      );
    case 'history':
      return await live(HISTORY_OPTIONS, async (session, { limit, verbose, output }) =>
        history(session, { group, limit, isVerbose: verbose, output }),
      );
    case 'events':
      return await live(EVENTS_OPTIONS, async (session, { watch, verbose, since, output }) => {
        const options = { group, isWatched: watch, isVerbose: verbose };
        return await events(session, { ...options, sinceMs: since, output });
      });
    case 'ui':
      return await live(UI_OPTIONS, async (session, { port, allNamespaces }) =>
        ui(session, { port, namespace: allNamespaces ? null : session.namespace }),
      );
    case 'explain':
      return await live(EXPLAIN_OPTIONS, async (session, values) =>
        explainLive(session, group, values),
      );
    case 'check':
      return await live(CHECK_OPTIONS, async (session, values) => checkBy(values)(session, values));
  }
}

type CheckValues = OptionValues<typeof CHECK_OPTIONS>;

function checkBy({ pre, installation }: CheckValues): typeof checkLive {
  if (pre && installation) return async () => await Promise.resolve(oneOfBoth());
  if (pre) return preflight;
  return installation ? checkInstalled : checkLive;
}

function oneOfBoth(): Outcome {
  const why = '--pre: is for before the installation, and --installation for after it';
  return outcome(EXIT.usage, '', [`${why}. Remedy: leave one of them out.`]);
}

async function inSession(
  values: ClusterValues,
  env: Environment,
  world: World,
  act: (session: Session) => Promise<ExitCode | Outcome>,
): Promise<Outcome> {
  const { kubeconfig, context, timeout } = values;
  const color = (values.color ?? 'auto') as ColorChoice;
  const style = {
    isColored: isColored(color, env['NO_COLOR'], world.console.isTerminal),
    width: null,
  };
  let cluster;
  try {
    cluster = await world.connect({ kubeconfig, context, timeoutMs: timeout });
  } catch (error) {
    const remedy = error instanceof OrchestratorError ? ` Remedy: ${error.remedy}` : '';
    return outcome(EXIT.failed, '', [`${messageOf(error)}.${remedy}`]);
  }
  try {
    const namespace = values.namespace ?? cluster.namespace;
    const done = await act({ ...world, cluster, namespace, style });
    return typeof done === 'number' ? outcome(done, '') : done;
  } finally {
    cluster.close();
  }
}
