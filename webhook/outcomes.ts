// What follows from a decision after it was answered: a log line, Events, work for the controller.
// Nothing here for a dry run.

import type { Log } from '../src/log.ts';
import type { Namespaces } from './control/namespaces.ts';
import type { OwnerEvents } from './control/owner-events.ts';
import type { Reason } from './core/reasons.ts';
import { isSilent, isTransient, reasonText } from './core/reasons.ts';
import { decisionText, type Outcome } from './review.ts';

/** A name that no account can have would keep the whole binding from being written. */
const ACCOUNT = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

export function createOutcomeHandler(
  log: Log,
  namespaces: Pick<Namespaces, 'ask' | 'bind'>,
  events: Pick<OwnerEvents, 'tell'>,
): (outcome: Outcome) => void {
  return ({ request, pod, decision }) => {
    const { namespace } = request;
    const told = reasonsToTell(decision);
    const name = pod.metadata?.name ?? pod.metadata?.generateName ?? '';
    const reasons = told.map((why) => reasonText(why));
    const fields = { namespace, pod: name, decision: decisionText(decision), reasons };
    const isQuiet = decision.kind === 'skip' && isSilent(decision.reason.code);
    log[isQuiet ? 'debug' : 'info'](fields, 'pod reviewed');
    if (request.isDryRun) return;
    if (decision.kind === 'deny') {
      const isWaiting = decision.reasons.some(isTransient);
      if (isWaiting) namespaces.ask(namespace);
      return;
    }
    const account = pod.spec?.serviceAccountName ?? '';
    const isOwn = decision.kind === 'inject' && decision.plan.serviceAccount === undefined;
    if (isOwn && ACCOUNT.test(account)) namespaces.bind(namespace, account);
    events.tell(namespace, pod, told, decision.kind === 'inject' ? 'Inject' : 'Skip');
  };
}

function reasonsToTell(decision: Outcome['decision']): readonly Reason[] {
  switch (decision.kind) {
    case 'deny':
      return decision.reasons;
    case 'inject':
      return decision.warnings;
    case 'skip':
      return isSilent(decision.reason.code)
        ? decision.warnings
        : [...decision.warnings, decision.reason];
  }
}
