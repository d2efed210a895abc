// What is not ours comes out byte for byte, and an injection that is taken back leaves no trace in the text.

import { strict as assert } from 'node:assert';
import * as fc from 'fast-check';
import { test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { inject } from '../../cli/commands/inject.ts';
import { uninject } from '../../cli/commands/uninject.ts';
import { type Manifest, parseManifest } from '../../cli/manifest/parse.ts';
import { mixedStream, strangeStream } from './cli-manifests.ts';
import { CORE } from './webhook-fixtures.ts';

const RUNS = Number(process.env['RO_CLI_RUNS'] ?? '400');

function manifestOf(text: string): Manifest {
  const parsed = parseManifest('x.yaml', text);
  if (!parsed.ok) throw new Error(parsed.errors.join('\n'));
  return parsed.manifest;
}

const injected = (text: string): ReturnType<typeof inject> =>
  inject(manifestOf(text), CORE, 'shop', false);

const valuesOf = (text: string): unknown[] =>
  [...parseAllDocuments(text, { merge: true })].map((document) => document.toJS() as unknown);

void test('documents that are none of ours come out byte for byte', async (t) => {
  fc.assert(
    fc.property(strangeStream, (text) => {
      const { stdout, stderr } = injected(text);
      assert.equal(stdout, text);
      const isEmpty = valuesOf(text).every((value) => value === null);
      assert.match(stderr, isEmpty ? /^x\.yaml: there is no object in it/ : /^$/);
      assert.equal(uninject(manifestOf(text), false).stdout, text);
    }),
    { numRuns: RUNS, seed: 20_261_128 },
  );
  t.pass(`${RUNS} streams`);
});

void test('inject and uninject in a row give the same bytes; injecting twice is injecting once', async (t) => {
  let changed = 0;
  let flattened = 0;
  fc.assert(
    fc.property(mixedStream, (text) => {
      const first = injected(text);
      assert.equal(first.code, 0, first.stderr);
      assert.equal(injected(first.stdout).stdout, first.stdout, 'a second injection');
      const back = uninject(manifestOf(first.stdout), false);
      assert.deepEqual(valuesOf(back.stdout), valuesOf(text), 'the same values');
      if (first.stdout !== text) changed++;
      const isFlat = /written anew/.test(first.stderr + back.stderr);
      if (isFlat) flattened++;
      else assert.equal(back.stdout, text);
      if (text.includes('\r\n')) assert.doesNotMatch(first.stdout, /[^\r]\n/, 'line ends');
    }),
    { numRuns: RUNS, seed: 20_261_128 },
  );
  t.comment(
    `${changed} of ${RUNS} streams had Redis in them; ${flattened} could not keep their style`,
  );
  t.ok(changed > RUNS / 3);
  t.equal(flattened, 0);
});
