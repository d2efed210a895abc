// The page as files: small, from one origin, read only.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { request } from 'undici';
import { PAGE_FILES } from '../../src/page-files.ts';
import { REPOSITORY } from '../harness/programs.ts';
import { startCanned } from './canned.ts';
import { calm } from './views.ts';

const GZIP_MAX_BYTES = 30 * 1024;

await t.test('all of it is at most 30 KB, compressed', (t) => {
  let sum = 0;
  for (const { name, body } of PAGE_FILES) {
    const bytes = gzipSync(body, { level: 9 }).length;
    t.comment(`${name === '' ? 'index.html' : name}: ${body.length} bytes, ${bytes} compressed`);
    sum += bytes;
  }
  t.comment(`together ${sum} bytes compressed`);
  t.ok(sum <= GZIP_MAX_BYTES, `${sum} bytes`);
  t.end();
});

await t.test("the agent's bundle has the page in it", (t) => {
  const bundle = readFileSync(join(REPOSITORY, 'dist', 'agent.mjs'), 'utf8');
  t.ok(bundle.includes('default-src'));
  t.notOk(bundle.includes('The page is not built'), 'and does not look for it in files');
  t.end();
});

await t.test('each file: its type, its policy, no cookie, no other origin', async (t) => {
  const { url } = await startCanned(t, calm);
  for (const { name, type, body } of PAGE_FILES) {
    const answer = await request(`${url}/ui/${name}`, { headers: { origin: 'http://evil.test' } });
    const { headers, statusCode } = answer;
    t.equal(statusCode, 200, name);
    t.equal(await answer.body.text(), body);
    t.match(headers, {
      'content-type': type,
      'content-security-policy': /^default-src 'self';/,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    t.notOk('set-cookie' in headers, 'no cookie');
    t.notOk('access-control-allow-origin' in headers, 'no other origin may read it');
  }
});

await t.test('the stream: its type, no other origin, and nothing held for a HEAD', async (t) => {
  const { url } = await startCanned(t, calm);
  const { headers, body } = await request(`${url}/ui/events`);
  body.on('error', () => undefined).destroy();
  t.match(headers, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  t.notOk('access-control-allow-origin' in headers);
  t.equal((await request(`${url}/ui/events`, { method: 'HEAD' })).statusCode, 404);
});

await t.test('/ui leads to /ui/, also behind a proxy; nothing but reading', async (t) => {
  const { url } = await startCanned(t, calm);
  const { statusCode, headers } = await request(`${url}/ui`);
  t.equal(statusCode, 308);
  t.equal(headers['location'], 'ui/', 'relative');
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
    for (const path of ['/ui/', '/ui/app.js', '/ui/events']) {
      t.equal((await request(`${url}${path}`, { method })).statusCode, 404, `${method} ${path}`);
    }
  }
});
