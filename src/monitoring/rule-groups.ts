// The rules as Prometheus reads them.

import { alertName, RULE_NAMES, RULES, type Rule, type RuleName } from './rules.ts';
import { timeBy } from './time.ts';

/** Pages of this repository; whoever publishes them elsewhere generates with another beginning. */
const RUNBOOKS = 'docs/runbooks';

export type RuleGroupsOptions = {
  /** All durations are so many times shorter. */
  readonly factor?: number;
  /** Those of single rules by a factor of their own. */
  readonly factors?: Readonly<Partial<Record<RuleName, number>>>;
  readonly runbooks?: string;
  /** False: agents are written by hand, and no webhook runs of which anything could be told. */
  readonly hasWebhook?: boolean;
};

export type AlertRule = {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<'summary' | 'description' | 'runbook_url', string>>;
};

export function alertRules(options: RuleGroupsOptions = {}): readonly AlertRule[] {
  const { factor = 1, factors = {}, runbooks = RUNBOOKS, hasWebhook = true } = options;
  const names = hasWebhook ? RULE_NAMES : RULE_NAMES.filter((name) => !isOfWebhook(name));
  return names.map((name) => {
    const time = timeBy(factors[name] ?? factor);
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

/** Without a webhook it would never be true, or always. */
function isOfWebhook(name: RuleName): boolean {
  return RULES[name].expr(timeBy(1)).includes('redis_orchestrator_webhook_');
}

export function ruleGroups(options: RuleGroupsOptions = {}) {
  return { groups: [{ name: 'redis-orchestrator', rules: alertRules(options) }] };
}

/** Every metric of ours that a text of PromQL names, as the series are called: without what a histogram adds. */
export function metricsIn(expr: string): readonly string[] {
  const found = expr.match(/redis_orchestrator_[a-z_]+/g) ?? [];
  return [...new Set(found.map((name) => name.replace(/_(bucket|sum|count)$/, '')))];
}
