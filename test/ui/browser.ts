// A real Chromium, and pages in it that report every error: of a script, of the console, of the security policy.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import file, { type Test } from 'tap';
import { REPOSITORY } from '../harness/programs.ts';

export type Theme = 'light' | 'dark';
const THEMES: readonly Theme[] = ['light', 'dark'];

export type Opened = { readonly page: Page; readonly theme: Theme; readonly errors: string[] };

/** RO_CHROMIUM names the program; else Debian's is obtained. */
function browserProgram(): string {
  const given = process.env['RO_CHROMIUM'];
  if (given !== undefined && given !== '') return given;
  const script = join(REPOSITORY, 'scripts', 'images');
  return execFileSync(script, ['browser'], { encoding: 'utf8' }).trim();
}

let started: Promise<Browser> | undefined;

/** One for all tests of a file; the pages end with each test. As root it has no sandbox; what is opened is ours. */
export async function openBrowser(t: Test): Promise<Browser> {
  if (started === undefined) {
    started = chromium.launch({
      executablePath: browserProgram(),
      args: ['--no-sandbox', '--no-proxy-server'],
    });
    file.teardown(async () => await (await started)?.close());
  }
  const browser = await started;
  t.teardown(async () => {
    await Promise.all(browser.contexts().map(async (context) => await context.close()));
  });
  return browser;
}

/** `token`: for an address behind the API server, whose certificate is of a test's own authority. */
export async function openPage(
  browser: Browser,
  url: string,
  theme: Theme,
  token?: string,
): Promise<Opened> {
  const context = await browser.newContext({
    colorScheme: theme,
    reducedMotion: 'reduce',
    viewport: { width: 1080, height: 900 },
    ...(token === undefined
      ? {}
      : { ignoreHTTPSErrors: true, extraHTTPHeaders: { authorization: `Bearer ${token}` } }),
  });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    const { url } = message.location();
    // The browser asks for it by itself; there is none.
    if (message.type() === 'error' && !url.endsWith('/favicon.ico')) errors.push(message.text());
  });
  // The stream never ends: waiting for the network to be idle would, too.
  await page.goto(url, { waitUntil: 'domcontentloaded' });
  return { page, theme, errors };
}

/** Live and healthy: a stale page only remembers that it was. */
export async function isHealthy({ page }: Pick<Opened, 'page'>): Promise<void> {
  try {
    await page.locator('.health.tone-good').getByText('failover possible').waitFor();
  } catch (cause) {
    const text = await page.locator('body').innerText();
    throw new Error(`the page does not say that all is well, but:\n${text}`, { cause });
  }
}

/** What a page says that hears nothing. */
export function stale({ page }: Pick<Opened, 'page'>): Locator {
  return page.locator('[data-part=stale]').getByText(/stale since \d/);
}

/** One page for each theme. */
export async function openThemes(browser: Browser, url: string): Promise<readonly Opened[]> {
  return await Promise.all(THEMES.map(async (theme) => await openPage(browser, url, theme)));
}

export async function closePages(opened: readonly Opened[]): Promise<void> {
  await Promise.all(opened.map(async ({ page }) => await page.context().close()));
}
