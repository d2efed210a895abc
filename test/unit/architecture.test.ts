// docs/architecture.md tells what the imports are: one way, no circle, and what decides imports nothing that acts.

import { readFileSync } from 'node:fs';
import t from 'tap';
import { arrows, picture } from '../architecture.ts';

const known: ReadonlyMap<string, readonly string[]> = arrows();
const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');

await t.test('the arrows that are drawn are the imports', (t) => {
  const drawn = [...page.matchAll(/^ {2}(\w+) --> (\w+)$/gm)].map(
    ([, from, to]) => `${from} ${to}`,
  );
  const real = [...known].flatMap(([from, targets]) =>
    targets
      .filter((target) => target !== 'src')
      .map((target) => `${from} ${target}`.replaceAll('/', '_')),
  );
  t.ok(real.length > 20, `${real.length} arrows`);
  t.same(drawn.toSorted(), real.toSorted(), 'remedy: npx node scripts/docs.mjs');
  t.match(page, picture());
  t.end();
});

await t.test('arrows run one way: there is no circle', (t) => {
  const reaches = (from: string, wanted: string, seen = new Set<string>()): boolean =>
    (known.get(from) ?? []).some((next) => {
      if (next === wanted) return true;
      if (seen.has(next)) return false;
      seen.add(next);
      return reaches(next, wanted, seen);
    });
  t.same(
    [...known.keys()].filter((part) => reaches(part, part)),
    [],
  );
  t.end();
});

await t.test('what decides imports src alone, and src nothing', (t) => {
  t.same(known.get('src'), []);
  for (const core of ['agent/core', 'webhook/core']) t.same(known.get(core), ['src'], core);
  t.end();
});

await t.test('every part that is drawn stands in the table', (t) => {
  for (const part of known.keys()) {
    if (part.endsWith('/words') || part === 'webhook' || part === 'cli') continue;
    t.match(page, new RegExp(`^\\|.*\`${part}(: wiring)?\`.*\\|`, 'm'), part);
  }
  t.end();
});
