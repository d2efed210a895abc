// Reads TAP from standard input: copies it to the file LOG, says each test file as it ends and
// the run's own comments, and writes "PASSED FAILED SKIPPED" to the file COUNTS.
//
//   tap run --reporter=tap ... | node tap-count.mjs LOG COUNTS
//
// What is counted is tests: the innermost subtests (their assertions are not), and what is skipped.
// Whatever else is not ok counts as one failed: a file that crashed or timed out, an assertion
// beside subtests, output that ends in the middle.
import { createWriteStream, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const POINT = /^(not )?ok\b(?: \d+)?(?: - )?(.*)$/;
const SKIPPED = /(?:^|\s)# (?:SKIP|TODO)\b/i;
/** What tap itself says at the end, beside the comments of a run. */
const TAPS_OWN = /^# (Subtest: |time=|No coverage|\{ total)/;
const TIME = /\s*# time=(.*)$/;

const newTest = () => ({ hasSubtests: false, hasFailed: false, hasPoints: false });

/** Counts while lines are fed; `onFile(name, isOk, time, counts)` is called for each test file. */
export class TapCounter {
  counts = { passed: 0, failed: 0, skipped: 0 };
  #onFile;
  /** The open tests, by depth: 0 is the run itself, 1 a file, 2 a test in it. */
  #open = [newTest()];
  #failedBefore = [0];
  #details = null;
  #hasPlan = false;

  constructor(onFile = () => {}) {
    this.#onFile = onFile;
  }

  feed(line) {
    const indent = line.length - line.trimStart().length;
    const text = line.slice(indent);
    if (this.#details !== null) {
      if (indent === this.#details && text === '...') this.#details = null;
      return;
    }
    const depth = indent / 4;
    if (indent % 4 === 2 && text === '---') this.#details = indent;
    if (!Number.isInteger(depth)) return;
    if (depth === 0 && /^1\.\.\d/.test(text)) this.#hasPlan = true;
    if (text.startsWith('# Subtest: ')) this.#begin(depth + 1);
    else if (text.startsWith('Bail out!')) this.#fail(depth);
    else if (depth < this.#open.length) {
      const point = POINT.exec(text);
      if (point !== null) this.#point(depth, point[1] === undefined, point[2] ?? '');
    }
  }

  /** At the end of the output. */
  end() {
    // Tests that began and never ended, and a run that was cut off before its end.
    if (this.#open.length > 1 || !this.#hasPlan) this.counts.failed += 1;
    return this.counts;
  }

  #begin(depth) {
    this.#open.length = depth;
    this.#failedBefore.length = depth;
    const parent = this.#open[depth - 1];
    if (parent !== undefined) parent.hasSubtests = true;
    this.#open.push(newTest());
    this.#failedBefore.push(this.counts.failed);
  }

  #fail(depth) {
    const test = this.#open[depth];
    if (test !== undefined) test.hasFailed = true;
  }

  #point(depth, isOk, rest) {
    const isSkipped = SKIPPED.test(rest);
    const child = this.#open[depth + 1];
    if (child === undefined) {
      // An assertion, or a skipped test: that one has no output of its own.
      const test = this.#open[depth];
      if (isSkipped) this.counts.skipped += 1;
      else {
        test.hasPoints = true;
        if (!isOk) test.hasFailed = true;
      }
      return;
    }
    this.#close(depth + 1, child, isOk, isSkipped);
    if (depth === 0) {
      const name = rest.replace(TIME, '');
      this.#onFile(name, isOk, TIME.exec(rest)?.[1] ?? '', this.counts);
    }
  }

  #close(depth, test, isOk, isSkipped) {
    const hasFailedInside = this.counts.failed > this.#failedBefore[depth];
    this.#open.length = depth;
    this.#failedBefore.length = depth;
    if (test.hasFailed || (!isOk && !isSkipped && !hasFailedInside)) this.counts.failed += 1;
    else if (isSkipped) this.counts.skipped += 1;
    else if (!test.hasSubtests && test.hasPoints) this.counts.passed += 1;
  }
}

async function main(logFile, countsFile) {
  const log = createWriteStream(logFile);
  let before = { passed: 0, failed: 0, skipped: 0 };
  const counter = new TapCounter((name, isOk, time, counts) => {
    const part = ['passed', 'failed', 'skipped']
      .filter((what) => counts[what] > before[what])
      .map((what) => `${counts[what] - before[what]} ${what}`);
    before = { ...counts };
    const seconds = time === '' ? '' : ` (${(milliseconds(time) / 1000).toFixed(1)} s)`;
    process.stdout.write(`    ${isOk ? '' : 'FAILED: '}${name}: ${part.join(', ')}${seconds}\n`);
  });
  for await (const line of createInterface({ input: process.stdin })) {
    log.write(`${line}\n`);
    // What a run has to say as a whole: measured times, for example.
    if (line.startsWith('# ') && !TAPS_OWN.test(line))
      process.stdout.write(`    ${line.slice(2)}\n`);
    counter.feed(line);
  }
  const { passed, failed, skipped } = counter.end();
  await new Promise((resolve) => log.end(resolve));
  writeFileSync(countsFile, `${passed} ${failed} ${skipped}\n`);
}

function milliseconds(text) {
  const value = Number.parseFloat(text);
  if (text.endsWith('ms')) return value;
  if (text.endsWith('m')) return value * 60_000;
  return value * 1000;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(process.argv[2], process.argv[3]);
}
