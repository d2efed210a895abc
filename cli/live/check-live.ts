// check of what stands in a cluster: its objects are read as a manifest would be, and then the webhook, pods that run
// and the groups themselves are looked at.

import type { OptionValues } from '../../src/options.ts';
import { baseObjects } from '../base-objects.ts';
import { findingsIn } from '../commands/check.ts';
import { injectedImage, installationFindings } from '../commands/check-installation.ts';
import {
  barePodFindings,
  type GroupHealth,
  healthFindings,
  otherAgentFindings,
  withoutUnasked,
} from '../commands/check-members.ts';
import { type Finding, type Seen, unseen } from '../commands/finding.ts';
import { coreOf } from '../commands/on-manifests.ts';
import { reportFindings } from '../commands/report-findings.ts';
import { EXIT, type Outcome, outcome } from '../exit-codes.ts';
import { itemsOf } from '../manifest/workloads.ts';
import { namespacesIn } from '../namespaces.ts';
import type { CHECK_OPTIONS } from '../options.ts';
import { askInstallation } from './ask-installation.ts';
import { refusalText } from './cluster.ts';
import type { Session } from './context.ts';
import { findGroups } from './find-groups.ts';
import { lookAtAll } from './look.ts';
import { manifestOf } from './manifest-of.ts';
import type { RawPod } from './raw-objects.ts';
import { barePods, injectedPods } from './running-pods.ts';
import { seenClusterList, seenList, seenOrAbsent } from './seen.ts';

const LISTS = [
  { apiVersion: 'v1', kind: 'Service', resource: 'services' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet', resource: 'statefulsets.apps' },
  { apiVersion: 'apps/v1', kind: 'Deployment', resource: 'deployments.apps' },
] as const;

type Values = OptionValues<typeof CHECK_OPTIONS>;

export async function checkLive(session: Session, values: Values): Promise<Outcome> {
  const { cluster, clock } = session;
  const namespace = values.allNamespaces ? null : session.namespace;
  const [labelled, objects, pods, groups] = await Promise.all([
    askNamespaces(session, namespace),
    Promise.all(
      LISTS.map(async ({ apiVersion, kind, resource }) =>
        typed(await seenList<object>(cluster, apiVersion, resource, namespace), apiVersion, kind),
      ),
    ),
    seenList<RawPod>(cluster, 'v1', 'pods', namespace),
    askGroups(session, namespace),
  ]);
  // A name with a mistake in it would else be told to be well.
  if (namespace !== null && labelled.ok && labelled.value.length === 0) {
    const why = `there is no namespace ${namespace}`;
    return outcome(EXIT.failed, '', [`${why}. Remedy: kubectl get namespaces lists them.`]);
  }
  const items = [labelled, ...objects].flatMap((seen) => (seen.ok ? seen.value : []));
  const core = coreOf(values);
  const manifest = manifestOf(items);
  const checked = findingsIn(items.length === 0 ? [] : [manifest], core, session.namespace);
  if (!checked.ok) return outcome(EXIT.failed, '', checked.errors);

  const namespaces = namespacesIn(itemsOf(manifest.values));
  const isAsking = (name: string): boolean =>
    namespaces.get(name) === 'enabled' && !core.excludedNamespaces.has(name);
  const asking = [...namespaces.keys()].filter(isAsking);
  const { systemNamespace, output } = values;
  const nowEpochMs = groups.serverEpochMs ?? clock.now();
  const scope = { namespace, asking, systemNamespace, nowEpochMs };
  const facts = await askInstallation(cluster, baseObjects(systemNamespace), scope);
  const installation = installationFindings(facts);
  const about = namespace === null ? 'namespaces' : `namespace ${namespace}`;
  const bare = pods.ok ? barePods(pods.value, core, session.namespace, namespaces) : [];
  const closed = [...objects, pods, ...groups.closed].flatMap((seen) =>
    seen.ok ? [] : [seen.why],
  );
  const missing = [...new Set(closed)].map((why) => unseen('objects', why));
  const own: readonly Finding[] = [
    ...(labelled.ok ? [] : [unseen(about, labelled.why)]),
    ...(values.allNamespaces ? withoutUnasked(checked.findings) : checked.findings),
    ...barePodFindings(bare),
    ...otherAgentFindings(pods.ok ? injectedPods(pods.value) : [], injectedImage(facts)),
    ...healthFindings(groups.health),
    ...missing,
  ];
  // The webhook alone would be told of, and the namespace that was asked about with no word.
  const text = 'no group of Redis here, and nothing to say of what else there is';
  const quiet: readonly Finding[] =
    namespace === null || own.length > 0 ? [] : [{ level: 'ok', about, text }];
  // Whoever asks about one namespace need not see what belongs to all.
  const findings = [...installation, ...own, ...quiet];
  const inScope = values.allNamespaces ? findings : own;
  const isPartial = inScope.some(({ level }) => level === 'unseen');
  return reportFindings(findings, { output, nothing: checked.nothing, isPartial });
}

/** Without the right to read them they are taken to be labelled, as where they are in no file. */
async function askNamespaces(
  { cluster }: Session,
  namespace: string | null,
): Promise<Seen<readonly object[]>> {
  if (namespace === null) {
    return typed(await seenClusterList<object>(cluster, 'v1', 'namespaces'), 'v1', 'Namespace');
  }
  const own = await seenOrAbsent<object>(cluster, {
    right: { verb: 'get', resource: 'namespaces', namespace },
    path: `/api/v1/namespaces/${namespace}`,
  });
  if (!own.ok) return own;
  return typed({ ok: true, value: own.value === null ? [] : [own.value] }, 'v1', 'Namespace');
}

/** The items of a list do not say what they are. */
function typed(
  seen: Seen<readonly object[]>,
  apiVersion: string,
  kind: string,
): Seen<readonly object[]> {
  if (!seen.ok) return seen;
  return { ok: true, value: seen.value.map((item) => ({ ...item, apiVersion, kind })) };
}

async function askGroups(
  { cluster, clock }: Session,
  namespace: string | null,
): Promise<{
  readonly health: readonly GroupHealth[];
  readonly closed: readonly Seen<never>[];
  readonly serverEpochMs: number | undefined;
}> {
  const found = await findGroups(cluster, namespace);
  const looks = await lookAtAll(cluster, found.groups, clock);
  return {
    health: looks.map(({ view, isBlind }) => ({
      namespace: view.namespace,
      group: view.group,
      health: view.health,
      summary: view.summary,
      isBlind,
    })),
    closed: found.refusals.map((refusal) => ({ ok: false, why: refusalText(refusal) })),
    serverEpochMs: looks[0]?.serverEpochMs,
  };
}
