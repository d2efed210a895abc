// Reads TAP from standard input; prints the failing points of TAP with their
// place and difference.
import { createInterface } from 'node:readline';

const LINES_PER_POINT_MAX = 40;

/** The names of the open tests, from the file down. */
const path = [];
/** How many points were said before each open test began. */
const saidBefore = [];
let said = 0;
let detailsIndent = null;
let linesLeft = 0;

const print = (line) => process.stdout.write(`${line}\n`);

for await (const line of createInterface({ input: process.stdin })) {
  const indent = line.length - line.trimStart().length;
  const text = line.slice(indent);
  const depth = indent / 4;
  if (detailsIndent !== null) {
    if (indent === detailsIndent && text === '...') detailsIndent = null;
    else if (linesLeft-- > 0) print(line);
  } else if (text === '---' && indent % 4 === 2) {
    detailsIndent = indent;
  } else if (text.startsWith('# Subtest: ')) {
    path.splice(depth, path.length, text.slice('# Subtest: '.length));
    saidBefore.splice(depth, saidBefore.length, said);
  } else if (/^(not )?ok\b/.test(text) && Number.isInteger(depth)) {
    linesLeft = 0;
    // The end of a test whose failing points were said above is no news.
    const isKnown = path.length > depth && said > saidBefore[depth];
    path.length = Math.min(path.length, depth);
    if (text.startsWith('ok') || / # (SKIP|TODO)\b/i.test(text) || isKnown) continue;
    said += 1;
    linesLeft = LINES_PER_POINT_MAX;
    print(`not ok: ${[...path, text.replace(/^not ok \d+ - /, '')].join(' > ')}`);
  }
}
