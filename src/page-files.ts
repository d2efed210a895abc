// The live page's files, as every server of the page hands them out. The bundles have them baked in; from the sources
// they are what the last build left in dist/ui.

import { readFileSync } from 'node:fs';

export type PageFile = {
  /** Below the page's own path; all of the page's links are relative to it. */
  readonly name: string;
  readonly type: string;
  readonly body: string;
};

/** No script, style, image or stream from anywhere else, and nobody may frame the page or send forms from it. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // An agent that was replaced serves another page.
  'cache-control': 'no-store',
};

function built(name: string): string {
  try {
    return readFileSync(new URL(`../dist/ui/${name}`, import.meta.url), 'utf8');
  } catch {
    return 'The page is not built. Remedy: npm run build';
  }
}

export const PAGE_FILES: readonly PageFile[] = [
  {
    name: '',
    type: 'text/html; charset=utf-8',
    body: process.env['RO_BUILD_PAGE_HTML'] ?? built('index.html'),
  },
  {
    name: 'app.js',
    type: 'text/javascript; charset=utf-8',
    body: process.env['RO_BUILD_PAGE_SCRIPT'] ?? built('app.js'),
  },
  {
    name: 'style.css',
    type: 'text/css; charset=utf-8',
    body: process.env['RO_BUILD_PAGE_STYLE'] ?? built('style.css'),
  },
];
