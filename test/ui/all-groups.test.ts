// The server of `ui` in a real browser, on looks that a test makes up.

import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { request } from 'undici';
import { UiServer } from '../../cli/ui/server.ts';
import type { Looked } from '../../cli/ui/source.ts';
import { waitFor } from '../harness/wait-for.ts';
import { isHealthy, openBrowser, openPage, openThemes } from './browser.ts';
import { judgeState } from './judge.ts';
import { calm, moved, splitBrain } from './views.ts';

t.setTimeout(120_000);

/** A cluster with two groups, and what becomes of it. */
class Cluster {
  view = calm;
  isReached = true;
  looks = 0;

  async look(group: string): Promise<Looked | null> {
    this.looks++;
    await pause(5);
    if (!this.isReached) throw new Error('the API server does not answer');
    if (group === 'redis') return { view: this.view, isKnown: true };
    return group === 'other' ? { view: { ...splitBrain, group }, isKnown: true } : null;
  }

  async list() {
    const looks = await Promise.all(['redis', 'other'].map((group) => this.look(group)));
    return { looks: looks.filter((each) => each !== null), notes: ['you may not list leases'] };
  }
}

async function start(t: Test): Promise<{ cluster: Cluster; address: string }> {
  const cluster = new Cluster();
  const source = {
    list: () => cluster.list(),
    look: (_namespace: string, group: string) => cluster.look(group),
  };
  const server = new UiServer(source, () => performance.now());
  t.teardown(async () => await server.close());
  return { cluster, address: await server.listen(0) };
}

await t.test('the list of groups, and from it the live page of one', async (t) => {
  const browser = await openBrowser(t);
  const { cluster, address } = await start(t);
  const opened = await openThemes(browser, address);
  await judgeState(t, 'groups', opened);
  for (const { page, errors } of opened) {
    await page.getByRole('link', { name: 'shop/redis' }).click();
    await isHealthy({ page });
    cluster.view = moved;
    await page.locator('[data-part=master]').getByText('redis-1 is master of term 15').waitFor();
    cluster.view = calm;
    t.same(errors, []);
  }
});

await t.test('while the API server is away the page is stale, and then live again', async (t) => {
  const browser = await openBrowser(t);
  const { cluster, address } = await start(t);
  const { page } = await openPage(browser, `${address}shop/redis/`, 'light');
  await isHealthy({ page });
  cluster.isReached = false;
  await page
    .locator('[data-part=stale]')
    .getByText(/stale since/)
    .waitFor();
  cluster.isReached = true;
  await isHealthy({ page });
  t.match(await page.title(), /^healthy/);
  await page.context().close();
  let before = -1;
  const isCalm = (): boolean => {
    const isSame = cluster.looks === before;
    before = cluster.looks;
    return isSame;
  };
  await waitFor('nobody looks at a group that nobody watches', isCalm, {
    timeoutMs: 10_000,
    everyMs: 1200,
  });
});

await t.test('a stranger: without the token, by another name, by another method', async (t) => {
  const { address } = await start(t);
  const { origin, pathname, port } = new URL(address);
  t.ok(pathname.length > 30, 'the token cannot be guessed');
  const ask = async (path: string, options: Parameters<typeof request>[1] = {}) => {
    const answer = await request(`${origin}${path}`, options);
    t.notOk('access-control-allow-origin' in answer.headers);
    t.notOk('set-cookie' in answer.headers);
    return { status: answer.statusCode, text: await answer.body.text() };
  };
  t.match(await ask('/'), { status: 403, text: /lacks its token/ });
  t.match(await ask('/shop/redis/events'), { status: 403 });
  t.match(await ask(pathname, { headers: { host: `rebound.test:${port}` } }), { status: 421 });
  t.match(await ask(pathname, { method: 'POST' }), { status: 405 });
  t.match(await ask(`${pathname}shop/none/events`), { status: 404, text: /no such group/ });
  t.match(await ask(pathname), { status: 200, text: /shop\/redis/ });
});
