// The rules as Prometheus reads them.

import { alertName, RULE_NAMES, RULES, type Rule } from './rules.ts';
import { timeBy } from './time.ts';

/** Pages of this repository; whoever publishes them elsewhere generates with another beginning. */
const RUNBOOKS = 'docs/runbooks';

export type RuleGroupsOptions = {
  /** All durations are so many times shorter. */
  readonly factor?: number;
  readonly runbooks?: string;
};

export type AlertRule = {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<'summary' | 'description' | 'runbook_url', string>>;
};

export function alertRules(options: RuleGroupsOptions = {}): readonly AlertRule[] {
  const { factor = 1, runbooks = RUNBOOKS } = options;
  const time = timeBy(factor);
  return RULE_NAMES.map((name) => {
    const { expr, forMs, severity, summary, description }: Rule = RULES[name];
    return {
      alert: alertName(name),
      expr: expr(time),
      ...(forMs === 0 ? {} : { for: time.span(forMs) }),
      labels: { severity },
      annotations: { summary, description, runbook_url: `${runbooks}/${name}.md` },
    };
  });
}

export function ruleGroups(options: RuleGroupsOptions = {}) {
  return { groups: [{ name: 'redis-orchestrator', rules: alertRules(options) }] };
}

/** Every metric of ours that a text of PromQL names, as the series are called: without what a histogram adds. */
export function metricsIn(expr: string): readonly string[] {
  const found = expr.match(/redis_orchestrator_[a-z_]+/g) ?? [];
  return [...new Set(found.map((name) => name.replace(/_(bucket|sum|count)$/, '')))];
}
