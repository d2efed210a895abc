// Who may ask for what. Pure.
//
// The server is on this machine alone, and that is not enough: any web page may send requests to it (and read the
// answers, once its own name was made to lead here: DNS rebinding). So the host must be ours, and each path begins
// with a token that only the printed address tells. There is no cookie that a browser would add by itself.

import { timingSafeEqual } from 'node:crypto';
import { isObjectName } from '../../src/names.ts';

export type Asked = {
  readonly method: string | undefined;
  readonly host: string | undefined;
  /** Path and query, as it came. */
  readonly url: string | undefined;
};

export type Way =
  | { readonly kind: 'refused'; readonly status: number; readonly text: string }
  | { readonly kind: 'moved'; readonly location: string }
  | { readonly kind: 'list' }
  /** A file of the page: the list has the style sheet, a group has them all. */
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'events'; readonly namespace: string; readonly group: string };

export type Own = { readonly token: string; readonly port: number };

const FILES: readonly string[] = ['', 'app.js', 'style.css'];

function refused(status: number, text: string): Way {
  return { kind: 'refused', status, text };
}

export function wayOf({ method, host, url = '' }: Asked, { token, port }: Own): Way {
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`) {
    return refused(
      421,
      'this server answers to the address that was printed, and to no other name',
    );
  }
  if (method !== 'GET') return refused(405, 'nothing can be changed here');
  const [path = ''] = url.split('?');
  const [, given = '', ...rest] = path.split('/');
  if (!isSame(given, token)) {
    return refused(403, 'the address lacks its token: open the one that the command printed');
  }
  return inside(rest);
}

function inside(parts: readonly string[]): Way {
  const [first, second, third] = parts;
  // The links of the pages are relative: they need the slash.
  if (first === undefined) return { kind: 'moved', location: './' };
  if (first === '' && second === undefined) return { kind: 'list' };
  if (first === 'style.css' && second === undefined) return { kind: 'file', name: first };
  // Nothing but names of Kubernetes gets into a path that the API server is asked for.
  if (second === undefined || parts.length > 3 || !isObjectName(first) || !isObjectName(second)) {
    return refused(404, 'there is no such page');
  }
  if (third === undefined) return { kind: 'moved', location: `${second}/` };
  if (third === 'events') return { kind: 'events', namespace: first, group: second };
  if (FILES.includes(third)) return { kind: 'file', name: third };
  return refused(404, 'there is no such page');
}

/** In the same time, however much of it is right. */
function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
