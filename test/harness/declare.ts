// Declares a test of a scenario: the rows of the list (test/scenarios.ts) that it shows, and what it
// asserts as one sentence, its name. scripts/docs.mjs reads the declarations from the source, so the
// rows and the sentence are written as literals.

import type { Test } from 'tap';
import type { Stage } from './scenario.ts';

type Declare = (
  rows: readonly number[],
  sentence: string,
  body: (t: Test) => Promise<void>,
) => Promise<void>;

export type Declarations = {
  readonly scenario: Declare;
  /** Cuts links: skipped, with the reason, where pods have no network of their own. */
  readonly linkScenario: Declare;
  /** Takes minutes: RO_CHAOS_LONG=1 runs it. */
  readonly longScenario: Declare;
  /** Skipped for this reason, if there is one. */
  readonly unless: (reason: string | undefined) => Declare;
};

export function declarations(t: Test, stage: Pick<Stage, 'network'>): Declarations {
  const declare =
    (whyNot: () => string | undefined): Declare =>
    async (rows, sentence, body) => {
      const reason = whyNot();
      const skip = reason === undefined ? {} : { skip: reason };
      await t.test(sentence, skip, async (t) => {
        t.comment(`scenario ${rows.join(', ')}`);
        await body(t);
      });
    };
  return {
    scenario: declare(() => undefined),
    unless: (reason) => declare(() => reason),
    linkScenario: declare(() => stage.network.whyNoLinks),
    longScenario: declare(() =>
      process.env['RO_CHAOS_LONG'] === '1'
        ? stage.network.whyNoLinks
        : 'it takes minutes: RO_CHAOS_LONG=1 runs it',
    ),
  };
}
