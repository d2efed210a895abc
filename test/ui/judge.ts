// What is asserted of every state in every theme: axe finds nothing, and a picture is kept.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Test } from 'tap';
import { REPOSITORY } from '../harness/programs.ts';
import type { Opened } from './browser.ts';

type Finding = { readonly id: string; readonly nodes: readonly { readonly html: string }[] };

const SHOTS = process.env['RO_UI_SHOTS'] ?? join(REPOSITORY, 'artefacts', 'ui');

/** By the debugger, which the page's security policy does not concern: it stays in force. */
async function axeFindings({ page }: Opened): Promise<readonly Finding[]> {
  await page.evaluate(axe.source);
  const run = 'axe.run(document, { resultTypes: ["violations"] }).then((all) => all.violations)';
  return await page.evaluate<Finding[]>(run);
}

/** What one sees of it without scrolling. */
export async function keepShot({ page }: Opened, name: string): Promise<void> {
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

/** All themes at once: some states do not last. */
export async function judgeState(t: Test, state: string, opened: readonly Opened[]): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  await Promise.all(
    opened.map(async (each) => {
      const { page, theme } = each;
      await page.screenshot({ path: join(SHOTS, `${state}-${theme}.png`), fullPage: true });
      const findings = await axeFindings(each);
      const told = findings.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join()}`,
      );
      t.same(told, [], `axe: 0 violations, ${state}, ${theme}`);
    }),
  );
}
