// check --pre: whether an installation would work here, before there is one.

import { allKnowSidecars } from '../../src/native-sidecars.ts';
import { baseObjects } from '../base-objects.ts';
import { apiFindings, neededResources } from '../commands/check-api.ts';
import { presenceFindings } from '../commands/check-presence.ts';
import {
  mayApply,
  needsOf,
  placesOf,
  rightFindings,
  trialFindings,
} from '../commands/check-rights.ts';
import { reportFindings } from '../commands/report-findings.ts';
import { EXIT, type Outcome, outcome } from '../exit-codes.ts';
import { askPresence, askRights, askServed, tryPlaces } from './ask-preflight.ts';
import { refusalText } from './cluster.ts';
import type { Session } from './context.ts';

export type PreflightOptions = { readonly systemNamespace: string; readonly output: string };

export async function preflight(
  { cluster, clock }: Session,
  { systemNamespace, output }: PreflightOptions,
): Promise<Outcome> {
  const objects = baseObjects(systemNamespace);
  const version = await cluster.ask<{ gitVersion?: string }>({
    right: { verb: 'get', resource: '/version', namespace: null, isClusterWide: true },
    path: '/version',
  });
  if (!version.ok) {
    const remedy =
      version.status === 401
        ? 'Remedy: log in again.'
        : 'Remedy: check that kubectl version reaches it, and --context.';
    const why = `the API server does not answer: ${refusalText(version)}`;
    return outcome(EXIT.failed, '', [`${why}. ${remedy}`]);
  }
  // The date of an answer is cut to whole seconds: the middle of its second is the best guess.
  const { serverEpochMs } = version;
  const aheadMs = serverEpochMs === null ? null : clock.now() - (serverEpochMs + 500);

  const needed = neededResources(objects);
  const served = await askServed(cluster, needed);
  const places = placesOf(objects, served, systemNamespace);
  const allowances = await askRights(cluster, needsOf(places));
  const presence = await askPresence(cluster, systemNamespace);
  const hasNamespace = presence.namespace.ok && presence.namespace.value !== null;
  const trials = await tryPlaces(
    cluster,
    places.filter(
      (place) => mayApply(place, allowances) && (place.namespace === null || hasNamespace),
    ),
  );
  const findings = [
    ...apiFindings({ gitVersion: version.body.gitVersion ?? '', aheadMs, served }, needed),
    ...rightFindings(allowances),
    ...trialFindings(trials),
    ...presenceFindings(presence, objects, allKnowSidecars),
  ];
  const isPartial = findings.some(({ level }) => level === 'unseen');
  return reportFindings(findings, { output, nothing: '', isPartial });
}
