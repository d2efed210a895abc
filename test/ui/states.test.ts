// The page on the agent's real server with views made up: what no test can hold in a real group, and what nobody
// should be able to do to it.

import t from 'tap';
import { request } from 'undici';
import type { Page } from 'playwright-core';
import { closePages, isHealthy, openBrowser, openPage, openThemes } from './browser.ts';
import { startCanned } from './canned.ts';
import { judgeState } from './judge.ts';
import { calm, hostile, large, moved, paused, splitBrain } from './views.ts';

t.setTimeout(120_000);

const part = (page: Page, name: string) => page.locator(`[data-part=${name}]`);
const announced = (page: Page) => page.locator('[aria-live=polite]');

await t.test('split brain: both leaders are shown, in words and shapes', async (t) => {
  const browser = await openBrowser(t);
  const server = await startCanned(t, splitBrain);
  const opened = await openThemes(browser, `${server.url}/ui/`);
  for (const { page } of opened) {
    await part(page, 'health').getByText('split brain: redis-0 and redis-1 lead').waitFor();
    t.equal(await page.locator('.node .inner').count(), 2, 'two double outlines');
    t.equal(await page.locator('tr[data-role=master]').count(), 2);
    t.match(await page.title(), 'critical');
    t.match(await part(page, 'warnings').innerText(), /more than one Redis takes writes/);
  }
  await judgeState(t, 'split-brain', opened);
  for (const { errors } of opened) t.same(errors, [], 'no error, no breach of the policy');
});

await t.test('a change is announced; a pause, its end and who is next are told', async (t) => {
  const browser = await openBrowser(t);
  const server = await startCanned(t, calm);
  const { page } = await openPage(browser, `${server.url}/ui/`, 'light');
  await announced(page).getByText('redis is healthy: failover possible.').waitFor();
  t.match(await part(page, 'topology').getAttribute('aria-label'), /redis-0: master, writable/);
  t.match(await part(page, 'members').innerText(), /no: its first sync is in progress/);
  t.match(await part(page, 'prediction').innerText(), /If redis-0 crashes: redis-2 takes over/);
  server.show(moved);
  await announced(page).getByText('redis-1 is master of term 15').waitFor();
  server.show(paused);
  await part(page, 'paused')
    .getByText(/Failover is paused by alice until/)
    .waitFor();
  server.show(calm);
  await announced(page).getByText('Failover is not paused any more.').waitFor();
  t.equal(await part(page, 'paused').count(), 0);
});

await t.test('by keyboard: a term opens its record, what has the focus is outlined', async (t) => {
  const browser = await openBrowser(t);
  const server = await startCanned(t, calm);
  const { page } = await openPage(browser, `${server.url}/ui/`, 'light');
  await part(page, 'terms').waitFor();
  // The drawing and the table may scroll; then come the terms.
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const record = part(page, 'terms').locator('details[open]');
  await record.getByText('asked for by alice').waitFor();
  t.match(
    await record.innerText(),
    /redis-0, after redis-2[^]*When[^]*2026-01-02[^]*redis-0 at 1,000[^]*4 ms[^]*0 B/,
  );
  const outline = 'getComputedStyle(document.activeElement).outlineStyle';
  t.equal(await page.evaluate(outline), 'solid');
  server.show(paused);
  await part(page, 'paused').waitFor();
  t.equal(await record.count(), 1, 'it stays open while the page changes');
});

await t.test('nothing moves where reduced motion is asked for', async (t) => {
  const browser = await openBrowser(t);
  const server = await startCanned(t, calm);
  const opened = await openPage(browser, `${server.url}/ui/`, 'light');
  await isHealthy(opened);
  const moving = 'document.getAnimations().length';
  t.equal(await opened.page.evaluate(moving), 0);
  await opened.page.emulateMedia({ reducedMotion: 'no-preference' });
  t.ok(Number(await opened.page.evaluate(moving)) > 0, 'else a new role comes in with a flash');
});

await t.test('names and sentences are text, whatever stands in them', async (t) => {
  const browser = await openBrowser(t);
  const server = await startCanned(t, hostile);
  const { page, errors } = await openPage(browser, `${server.url}/ui/`, 'dark');
  await part(page, 'health').getByText('<img src=x onerror=alert(1)>').waitFor();
  t.equal(await page.locator('img, main script, main svg[onload]').count(), 0);
  t.same(errors, []);
});

await t.test('a hundred pods: twelve are drawn, all stand in the table', async (t) => {
  const browser = await openBrowser(t);
  const server = await startCanned(t, large(100));
  const { page } = await openPage(browser, `${server.url}/ui/`, 'light');
  await page.getByText('and 88 more, in the table below').waitFor();
  t.equal(await page.locator('.node').count(), 12);
  t.equal(await part(page, 'members').locator('tbody tr').count(), 100);
});

await t.test('on a narrow screen the table scrolls and the page does not', async (t) => {
  const browser = await openBrowser(t);
  const server = await startCanned(t, calm);
  const opened = await openPage(browser, `${server.url}/ui/`, 'light');
  await part(opened.page, 'members').waitFor();
  await opened.page.setViewportSize({ width: 360, height: 700 });
  const overflow = 'document.documentElement.scrollWidth - innerWidth';
  t.ok(Number(await opened.page.evaluate(overflow)) <= 0);
  await judgeState(t, 'narrow', [opened]);
});

await t.test('a server that is gone and back: stale, then live without a reload', async (t) => {
  const browser = await openBrowser(t);
  const server = await startCanned(t, calm);
  const opened = await openPage(browser, `${server.url}/ui/`, 'light');
  await isHealthy(opened);
  await server.close();
  await part(opened.page, 'stale')
    .getByText(/stale since \d\d:\d\d:\d\d/)
    .waitFor();
  await announced(opened.page)
    .getByText(/stale since/)
    .waitFor();
  t.equal(await opened.page.locator('.health.tone-good').count(), 0, 'nothing looks healthy');
  const port = Number(new URL(server.url).port);
  await startCanned(t, moved, port);
  await isHealthy(opened);
  await part(opened.page, 'master').getByText('redis-1 is master of term 15').waitFor();
  await closePages([opened]);
});

await t.test(
  'sixteen pages at most; the next one is told so, and comes in when one leaves',
  async (t) => {
    const browser = await openBrowser(t);
    const server = await startCanned(t, calm);
    const streams = await Promise.all(
      Array.from({ length: 16 }, async () => await request(`${server.url}/ui/events`)),
    );
    const { page } = await openPage(browser, `${server.url}/ui/`, 'light');
    await page.getByText('No answer yet; trying again.').waitFor();
    for (const { body } of streams) body.on('error', () => undefined).destroy();
    await isHealthy({ page });
    t.match(await page.title(), /^healthy · shop\/redis/);
  },
);
