// When a page showed which master: noted in the page itself, at the frame that draws it, by the machine's clock.

import type { Page } from 'playwright-core';
import { waitFor } from '../harness/wait-for.ts';

export type Shown = { readonly pod: string; readonly term: number; readonly atMs: number };

type Note = { readonly text: string; readonly atMs: number };

/** It runs in the page, where the types of the tests do not reach. */
const WATCHER = `
  globalThis.roNotes = [];
  let last = '';
  new MutationObserver(() => {
    const text = document.querySelector('[data-part=master]')?.textContent ?? '';
    if (text === last) return;
    last = text;
    requestAnimationFrame(() =>
      globalThis.roNotes.push({ text, atMs: performance.timeOrigin + performance.now() }),
    );
  }).observe(document, { subtree: true, childList: true, characterData: true });
`;

export async function watchMaster(page: Page): Promise<void> {
  await page.evaluate(WATCHER);
}

/** The first master of a later term than this one. */
export async function shownAfter(page: Page, term: number): Promise<Shown> {
  return await waitFor(
    `the master of a term after ${term} is shown`,
    async () => (await notes(page)).find((each) => each.term > term),
    { timeoutMs: 20_000, everyMs: 100 },
  );
}

async function notes(page: Page): Promise<readonly Shown[]> {
  const all = await page.evaluate<Note[]>('globalThis.roNotes');
  return all.flatMap(({ text, atMs }) => {
    const [, pod, term] = /(\S+) is master of term (\d+)/.exec(text) ?? [];
    return pod === undefined ? [] : [{ pod, term: Number(term), atMs }];
  });
}
