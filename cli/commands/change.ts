// What inject and uninject have in common: changed pods back into the text, and the text or its difference out.

import type { Pod } from '../../webhook/core/pod.ts';
import { type Reason, reasonText } from '../../webhook/core/reasons.ts';
import type { Outcome } from '../exit-codes.ts';
import { EXIT, outcome } from '../exit-codes.ts';
import type { Manifest } from '../manifest/parse.ts';
import { copyOf, putAt } from '../manifest/plain.ts';
import { rewrite } from '../manifest/rewrite.ts';
import type { Workload } from '../manifest/workloads.ts';
import { unifiedDiff } from '../unified-diff.ts';

/** `[code]` at the end, as in metrics and Events. */
export function told(why: Reason): string {
  return `${reasonText(why)} [${why.code}]`;
}

/** `changes`: pods and templates with what they shall be. */
export function changed(
  manifest: Manifest,
  changes: readonly (readonly [Workload, Pod])[],
  notes: readonly string[],
  asDiff: boolean,
): Outcome {
  const targets = new Map<number, unknown>();
  for (const [{ item, path }, pod] of changes) {
    const { document } = item;
    const value = targets.get(document) ?? copyOf(manifest.values[document]);
    targets.set(document, putAt(value, path, pod));
  }
  const { mark } = manifest;
  const { text, edits, flattened } = rewrite(manifest, targets);
  const lost = flattened.map(
    (index) =>
      `warning: ${manifest.name}: document ${index + 1} is written anew, without its comments: ` +
      'its anchors or its style could not be kept',
  );
  if (!asDiff) return outcome(EXIT.ok, mark + text, [...notes, ...lost]);
  const places = edits.map((edit) => ({
    ...edit,
    start: edit.start + mark.length,
    end: edit.end + mark.length,
  }));
  const diff = unifiedDiff(manifest.name, mark + manifest.text, mark + text, places);
  return outcome(EXIT.ok, diff, [...notes, ...lost]);
}
