// check --installation: whether what was installed does its part. Groups are the business of those that they belong
// to, and are not asked: so the rights for it are few, and helm's test is of the release alone.

import type { OptionValues } from '../../src/options.ts';
import { INJECT_LABEL } from '../../src/names.ts';
import { baseObjects } from '../base-objects.ts';
import { installedFindings } from '../commands/check-installation.ts';
import { unseen } from '../commands/finding.ts';
import { coreOf } from '../commands/on-manifests.ts';
import { reportFindings } from '../commands/report-findings.ts';
import type { Outcome } from '../exit-codes.ts';
import type { CHECK_OPTIONS } from '../options.ts';
import { askInstallation } from './ask-installation.ts';
import type { Session } from './context.ts';
import { seenClusterList } from './seen.ts';

const ASKING = `&labelSelector=${encodeURIComponent(`${INJECT_LABEL}=enabled`)}`;

type Namespace = {
  readonly metadata?: { readonly name?: string; readonly deletionTimestamp?: string };
};

export async function checkInstalled(
  { cluster, clock }: Session,
  values: OptionValues<typeof CHECK_OPTIONS>,
): Promise<Outcome> {
  const { systemNamespace, output } = values;
  const { excludedNamespaces } = coreOf(values);
  const labelled = await seenClusterList<Namespace>(cluster, 'v1', 'namespaces', ASKING);
  const asking = (labelled.ok ? labelled.value : [])
    // What ends loses its objects one after another, and nothing can be made in it.
    .filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata?.name ?? '')
    .filter((name) => !excludedNamespaces.has(name) && name !== systemNamespace);
  const scope = { namespace: null, asking, systemNamespace, nowEpochMs: clock.now() };
  const facts = await askInstallation(cluster, baseObjects(systemNamespace), scope);
  const findings = [
    ...installedFindings(facts, systemNamespace, labelled.ok),
    ...(labelled.ok ? [] : [unseen('namespaces', labelled.why)]),
  ];
  const isPartial = findings.some(({ level }) => level === 'unseen');
  return reportFindings(findings, { output, nothing: '', isPartial });
}
