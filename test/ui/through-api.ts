// Pages that are fed through the API server: by the command `ui`, and by its proxy of pods.

import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import type { Test } from 'tap';
import { AGENT_PORT } from '../harness/free-ports.ts';
import type { Group } from '../harness/group.ts';
import type { Stage } from '../harness/scenario.ts';
import { closePages, isHealthy, type Opened, openPage, stale } from './browser.ts';
import { startUi } from './ui-program.ts';

/** The list of `ui`, and from it the page of the group. */
export async function openThroughApi(
  t: Test,
  stage: Stage,
  browser: Browser,
  group: Group,
): Promise<Opened[]> {
  if (stage.network.whyNoLinks !== undefined) {
    t.comment('not seen through the API server, which leads to no loopback address');
    return [];
  }
  const opened = await openPage(browser, await startUi(stage.controlPlane, group), 'light');
  await opened.page.getByRole('link', { name: `${group.account.namespace}/redis` }).click();
  await isHealthy(opened);
  return [opened];
}

/** What it does not answer nobody knows: the page says so, until it answers again. */
export async function losesTheApiServer(stage: Stage, opened: Opened): Promise<void> {
  stage.controlPlane.pauseApiServer();
  await stale(opened).waitFor();
  stage.controlPlane.resumeApiServer();
  await isHealthy(opened);
}

/** As behind `kubectl proxy`: the API server writes the links of a page anew, and must not break ours. */
export async function isSeenThroughProxy(
  t: Test,
  stage: Stage,
  browser: Browser,
  group: Group,
): Promise<void> {
  if (stage.network.whyNoLinks !== undefined) return;
  const { url, adminKubeconfig } = stage.controlPlane;
  const token = /"token": "([^"]+)"/.exec(readFileSync(adminKubeconfig, 'utf8'))?.[1];
  const [pod] = group.pods;
  const path = `${url}${pod?.path}:${AGENT_PORT}/proxy/ui`;
  const opened = await openPage(browser, path, 'light', token);
  await isHealthy(opened);
  t.equal(opened.page.url(), `${path}/`, '/ui leads to /ui/ there, too');
  t.same(opened.errors, []);
  await closePages([opened]);
}
