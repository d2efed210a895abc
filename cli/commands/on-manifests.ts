// explain and check on manifests, wherever they came from: from files, or from a cluster.

import type { OptionValues } from '../../src/options.ts';
import { coreConfig } from '../../webhook/core/core-config.ts';
import type { CoreConfig } from '../../webhook/core/plan.ts';
import type { Outcome } from '../exit-codes.ts';
import type { Manifest } from '../manifest/parse.ts';
import type { INJECTION } from '../option-parts.ts';
import type { CHECK_OPTIONS, EXPLAIN_OPTIONS } from '../options.ts';
import { check } from './check.ts';
import { explain } from './explain.ts';

const NO_NAMESPACE = 'default';

export function explainAll(
  manifests: readonly Manifest[],
  values: OptionValues<typeof EXPLAIN_OPTIONS>,
): Outcome {
  const { namespace = NO_NAMESPACE, output } = values;
  return explain(manifests, coreOf(values), namespace, output === 'json');
}

export function checkAll(
  manifests: readonly Manifest[],
  values: OptionValues<typeof CHECK_OPTIONS>,
): Outcome {
  const { namespace = NO_NAMESPACE, output } = values;
  return check(manifests, coreOf(values), namespace, output);
}

export function coreOf(values: OptionValues<typeof INJECTION>): CoreConfig {
  return coreConfig(values, values.systemNamespace, values.nativeSidecar === 'true');
}
