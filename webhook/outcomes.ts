// What follows from a decision after it was answered: a log line, Events, work for the controller.
// Nothing here for a dry run.

import type { Log } from '../src/log.ts';
import { isObjectName } from '../src/names.ts';
import type { Namespaces } from './control/namespaces.ts';
import type { OwnerEvents } from './control/owner-events.ts';
import { isTransient, reasonText } from './core/reasons.ts';
import { toldReasons } from './core/told.ts';
import { decisionText, type Outcome } from './review.ts';

const ACTIONS = { inject: 'Inject', skip: 'Skip', deny: 'Refuse' } as const;

export function createOutcomeHandler(
  log: Log,
  namespaces: Pick<Namespaces, 'ask' | 'bind'>,
  events: Pick<OwnerEvents, 'tell'>,
): (outcome: Outcome) => void {
  return ({ request, pod, decision }) => {
    const { namespace } = request;
    const told = toldReasons(decision);
    const name = pod.metadata?.name ?? pod.metadata?.generateName ?? '';
    const reasons = told.map((why) => reasonText(why));
    const fields = { namespace, pod: name, decision: decisionText(decision), reasons };
    const isQuiet = decision.kind === 'skip' && told.length === 0;
    log[isQuiet ? 'debug' : 'info'](fields, 'pod reviewed');
    if (request.isDryRun) return;
    // A controller's own Event about a refused pod has our sentence somewhere in its own; and `kubectl describe` of
    // a Deployment does not show what happened to its ReplicaSet.
    events.tell(namespace, pod, told, ACTIONS[decision.kind]);
    if (decision.kind === 'deny') {
      if (decision.reasons.some(isTransient)) namespaces.ask(namespace);
      return;
    }
    const account = pod.spec?.serviceAccountName ?? '';
    const isOwn = decision.kind === 'inject' && decision.plan.serviceAccount === undefined;
    // A name that no account can have would keep the whole binding from being written.
    if (isOwn && isObjectName(account)) namespaces.bind(namespace, account);
  };
}
