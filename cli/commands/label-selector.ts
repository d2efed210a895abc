// Whether a label selector of Kubernetes matches. Pure.

import { isMap } from '../../src/json.ts';

type Labels = Readonly<Record<string, unknown>>;

/** An empty selector, or none, matches all. */
export function isSelected(selector: unknown, labels: Labels): boolean {
  if (!isMap(selector)) return true;
  const { matchLabels, matchExpressions } = selector;
  const pairs = isMap(matchLabels) ? Object.entries(matchLabels) : [];
  const expressions = Array.isArray(matchExpressions) ? matchExpressions.filter(isMap) : [];
  return (
    pairs.every(([key, value]) => labels[key] === value) &&
    expressions.every(({ key, operator, values }) => {
      const value = labels[String(key)];
      const isIn = Array.isArray(values) && values.includes(value);
      switch (operator) {
        case 'In':
          return isIn;
        case 'NotIn':
          return !isIn;
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
        default:
          return true;
      }
    })
  );
}
