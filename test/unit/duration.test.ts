import t from 'tap';
import { formatDuration, parseDuration } from '../../src/duration.ts';

await t.test('Go-style durations are read whole or not at all', (t) => {
  for (const [text, ms] of [
    ['15s', 15_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['300ms', 300],
    ['0', 0],
  ] as const) {
    t.equal(parseDuration(text), ms, text);
  }
  for (const text of ['', '15', 's', '-1s', '1s ', '1d', '1s2', 'x1s', '1e3s']) {
    t.equal(parseDuration(text), undefined, JSON.stringify(text));
  }
  t.end();
});

await t.test('what is formatted is read back', (t) => {
  for (const ms of [0, 1, 999, 1000, 1500, 59_999, 60_000, 3_600_000, 3_661_000]) {
    t.equal(parseDuration(formatDuration(ms)), ms, formatDuration(ms));
  }
  t.end();
});
