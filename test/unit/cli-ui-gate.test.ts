// Who may ask the server of `ui` for what.

import t from 'tap';
import { type Asked, wayOf } from '../../cli/ui/gate.ts';
import { listPage } from '../../cli/ui/list-page.ts';
import { calm, hostile } from '../ui/views.ts';

const own = { token: 'secret', port: 4000 };
const asked = (url: string, more: Partial<Asked> = {}) =>
  wayOf({ method: 'GET', host: '127.0.0.1:4000', url, ...more }, own);

await t.test('the printed address leads to the list, to groups and to their files', (t) => {
  t.same(asked('/secret/'), { kind: 'list' });
  t.same(asked('/secret/?x=1'), { kind: 'list' });
  t.same(asked('/secret/style.css'), { kind: 'file', name: 'style.css' });
  t.same(asked('/secret/shop/redis/'), { kind: 'file', name: '' });
  t.same(asked('/secret/shop/redis/app.js'), { kind: 'file', name: 'app.js' });
  const events = { kind: 'events', namespace: 'shop', group: 'redis' };
  t.same(asked('/secret/shop/redis/events'), events);
  t.same(asked('/secret/shop/redis/', { host: 'localhost:4000' }), { kind: 'file', name: '' });
  t.same(asked('/secret/shop/redis'), { kind: 'moved', location: 'redis/' });
  t.end();
});

await t.test('another host name is refused, whatever the path: a name that leads here', (t) => {
  const hosts = ['evil.test:4000', 'evil.test', '127.0.0.1', '127.0.0.1:4001', '', undefined];
  for (const host of hosts) {
    t.match(asked('/secret/', { host }), { kind: 'refused', status: 421 }, String(host));
  }
  t.end();
});

await t.test('without the token nothing is told, not even what there is', (t) => {
  for (const url of ['/', '', '/shop/redis/', '/secre/', '/secrets/', '/Secret/', '//secret/']) {
    t.match(asked(url), { kind: 'refused', status: 403 }, url);
  }
  t.end();
});

await t.test('nothing but reading, and no path into the API server', (t) => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', undefined]) {
    t.match(asked('/secret/', { method }), { kind: 'refused', status: 405 });
  }
  const paths = [
    '../x/',
    'a/..',
    'a/%2e%2e/',
    'a/b/c',
    'a/b/c/d',
    'A/b/',
    'a/b%2fc/',
    'x.js',
    'a//',
  ];
  for (const path of paths) {
    t.match(asked(`/secret/${path}`), { kind: 'refused', status: 404 }, path);
  }
  t.end();
});

await t.test('the list: words and links; what pods say is text; what is not known says so', (t) => {
  const page = listPage({
    looks: [
      { view: { ...calm, summary: hostile.summary }, isKnown: true },
      { view: calm, isKnown: false },
    ],
    notes: ['you may not <b>'],
  });
  t.match(page, '<a href="shop/redis/">shop/redis</a>');
  t.match(page, /tone-good"><span aria-hidden="true">✔<\/span> healthy/);
  t.match(page, /tone-unknown"><span aria-hidden="true">\?<\/span> unknown/);
  t.match(page, '&lt;img src=x onerror=alert(1)&gt;');
  t.match(page, 'not seen: you may not &lt;b&gt;');
  t.notOk(page.includes('<img'));
  t.match(listPage({ looks: [], notes: [] }), 'There are no groups.');
  t.end();
});
