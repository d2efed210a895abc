// The page of real agents: a real group beside a real API server. What it shows is compared with what the test did.

import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { Browser } from 'playwright-core';
import { AGENT_PORT } from '../harness/free-ports.ts';
import type { Group } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { openStage, startScenario } from '../harness/scenario.ts';
import { waitFor } from '../harness/wait-for.ts';
import {
  closePages,
  isHealthy,
  openBrowser,
  type Opened,
  openPage,
  openThemes,
} from './browser.ts';
import { judgeState } from './judge.ts';
import { shownAfter, watchMaster } from './watch-master.ts';

t.setTimeout(280_000);
const KILLS = 12;
/** What is promised of the page; the median is the measure where other work may hold both cores. */
const SHOWN_MS = 1000;
const BUSY_MACHINE_MS = 4000;

const stage = await openStage(t);
const urlOf = (pod: Pod): string => `http://${pod.ip}:${AGENT_PORT}/ui/`;

async function firstReplica(group: Group): Promise<Pod> {
  const [replica] = group.others(await oneMaster(group));
  if (replica === undefined) throw new Error('the group has no replica');
  return replica;
}

/** Each time on the page of every agent, the dead master's own as well. */
async function killMasters(group: Group, pages: readonly Opened[]): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < KILLS; round++) {
    const master = await oneMaster(group);
    await Promise.all(pages.map(isHealthy));
    const term = (await group.lease())?.term ?? 0;
    const killedAtMs = Date.now();
    master.redis.signal('SIGKILL');
    const shown = await Promise.all(pages.map(async ({ page }) => await shownAfter(page, term)));
    times.push(...shown.map(({ atMs }) => atMs - killedAtMs));
    for (const { pod } of shown) if (pod === master.name) throw new Error(`${pod} came back`);
  }
  return times;
}

/** As behind `kubectl proxy`: the API server writes the links of a page anew, and must not break ours. */
async function isSeenThroughProxy(t: Test, browser: Browser, group: Group): Promise<void> {
  if (stage.network.whyNoLinks !== undefined) {
    t.comment(`not seen through the API server, which leads to no loopback address`);
    return;
  }
  const { url, adminKubeconfig } = stage.controlPlane;
  const token = /token: "?([0-9a-f]+)/.exec(readFileSync(adminKubeconfig, 'utf8'))?.[1];
  const [pod] = group.pods;
  const path = `${url}${pod?.path}:${AGENT_PORT}/proxy/ui`;
  const opened = await openPage(browser, path, 'light', token);
  await isHealthy(opened);
  t.equal(opened.page.url(), `${path}/`, '/ui leads to /ui/ there, too');
  t.same(opened.errors, []);
  await closePages([opened]);
}

async function streamIsLost(browser: Browser, pod: Pod, check: Check): Promise<void> {
  const opened = await openThemes(browser, urlOf(pod));
  await Promise.all(opened.map(isHealthy));
  await check(opened);
  await closePages(opened);
}
type Check = (opened: readonly Opened[]) => Promise<void>;

const stale = ({ page }: Opened) => page.locator('[data-part=stale]').getByText(/stale since \d/);

await t.test('a group: killed masters, a healthy page, lost streams', async (t) => {
  const { group, scenario } = await startScenario(t, stage);
  const browser = await openBrowser(t);
  const pages = await Promise.all(
    group.pods.map(async (pod) => await openPage(browser, urlOf(pod), 'light')),
  );
  for (const { page } of pages) await watchMaster(page);
  const times = (await killMasters(group, pages)).sort((left, right) => left - right);
  const at = (share: number): number => times[Math.ceil(times.length * share) - 1] ?? Number.NaN;
  t.comment(
    `killed to shown, ${KILLS} kills on ${pages.length} pages, n = ${times.length}: ` +
      `median ${at(0.5).toFixed(0)} ms, p95 ${at(0.95).toFixed(0)} ms, longest ${at(1).toFixed(0)} ms`,
  );
  t.ok(at(0.5) <= SHOWN_MS, `the median is within a second`);
  t.ok(at(1) <= BUSY_MACHINE_MS, 'and none takes long');

  await oneMaster(group);
  await scenario.busy();
  await Promise.all(pages.map(isHealthy));
  const [first] = pages;
  if (first === undefined) return;
  t.equal(await first.page.locator('tr[data-role=replica]').count(), 2, 'two replicas');
  t.equal(await first.page.locator('.edge.solid').count(), 2, 'both stream');
  t.ok((await first.page.locator('[data-part=terms] li').count()) >= KILLS, 'a line per term');
  t.match(await first.page.locator('[data-part=prediction]').innerText(), /takes over, ~0\.1 s/);
  // One was open all the time: its sparklines tell of the kills. The other theme is put on the same page.
  await judgeState(t, 'healthy', [first]);
  await first.page.emulateMedia({ colorScheme: 'dark' });
  await judgeState(t, 'healthy', [{ ...first, theme: 'dark' }]);
  for (const { errors } of pages) t.same(errors, [], 'no error, no breach of the policy');
  await closePages(pages);

  await isSeenThroughProxy(t, browser, group);
  const pod = await firstReplica(group);
  await streamIsLost(browser, pod, async (opened) => {
    const mark = performance.now();
    pod.agent.signal('SIGSTOP');
    await Promise.all(opened.map(async (each) => await stale(each).waitFor()));
    const noticedMs = performance.now() - mark;
    t.comment(`a silent stream was called stale after ${noticedMs.toFixed(0)} ms`);
    t.ok(noticedMs < 6000, 'silence is noticed, though no connection broke');
    for (const { page } of opened) {
      t.equal(await page.locator('.health.tone-good').count(), 0, 'nothing looks healthy');
      t.match(await page.title(), /^stale/);
    }
    await judgeState(t, 'stream-lost', opened);
    pod.agent.signal('SIGCONT');
    await Promise.all(opened.map(isHealthy));
  });
  const other = await firstReplica(group);
  await streamIsLost(browser, other, async (opened) => {
    const mark = performance.now();
    other.agent.signal('SIGKILL');
    await Promise.all(opened.map(async (each) => await stale(each).waitFor()));
    t.comment(`a broken stream was called stale after ${(performance.now() - mark).toFixed(0)} ms`);
    await Promise.all(opened.map(isHealthy));
    t.comment(`and was live again ${(performance.now() - mark).toFixed(0)} ms after the kill`);
  });
});

await t.test("a failover that lasts: the master's node is without power", async (t) => {
  // Others wait 15 s for the Lease: long enough for a look.
  const agentEnv = { RO_TIMING_PROFILE: 'calm' };
  const { group, master } = await startScenario(t, stage, { agentEnv });
  const browser = await openBrowser(t);
  const replica = await firstReplica(group);
  const opened = await openThemes(browser, urlOf(replica));
  await Promise.all(opened.map(isHealthy));
  await master.powerOff();
  const noMaster = /no master: \S+ holds the Lease, and its agent is silent/;
  for (const { page } of opened) {
    await page.locator('[data-part=health]').getByText(noMaster).waitFor();
    t.equal(await page.getByText('✕ no master').count(), 1, 'an empty place is drawn');
  }
  await judgeState(t, 'failover', opened);
  await waitFor(
    'another master is shown',
    async () => {
      const texts = opened.map(
        async ({ page }) => await page.locator('[data-part=master]').innerText(),
      );
      return (await Promise.all(texts)).every(
        (text) => text.includes('is master of') && !text.includes(`${master.name} is`),
      );
    },
    { timeoutMs: 40_000 },
  );
  for (const { page, errors } of opened) {
    t.match(await page.locator('[aria-live=polite]').innerText(), /is master of term/);
    t.same(errors, []);
  }
});
