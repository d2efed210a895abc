// What the live page knows and says, without a browser: silence, announcements, lag, layout, words.

import t from 'tap';
import { LAG_SECONDS, lagPath, NO_LAG, withSamples, worstOf } from '../../agent/ui/lag.ts';
import { layoutOf } from '../../agent/ui/layout.ts';
import {
  changeText,
  isStale,
  newPage,
  SILENCE_MS,
  withCut,
  withSilence,
  withView,
} from '../../agent/ui/page-state.ts';
import { shortText, spanText } from '../../agent/ui/text.ts';
import { bytesText, countText, placeText } from '../../src/figures.ts';
import type { MemberView } from '../../src/group-view.ts';
import { calm, large, moved, paused, splitBrain } from '../ui/views.ts';

const at = (wallMs: number, steadyMs = wallMs) => ({ wallMs, steadyMs });

await t.test('three seconds without a word are stale, by whichever clock ran further', (t) => {
  const page = withView(newPage(at(0)), calm, at(1000));
  t.notOk(isStale(page, at(1000 + SILENCE_MS)));
  t.ok(isStale(page, at(1001 + SILENCE_MS)));
  t.ok(isStale(page, at(60_000, 1500)), 'the computer slept: the steady clock stood');
  t.ok(isStale(page, at(-60_000, 5000)), 'the clock on the wall was set back');
  t.ok(isStale(newPage(at(0)), at(3001)), 'nothing was ever heard');
  t.end();
});

await t.test('a broken stream is stale at once, until the next word', (t) => {
  const cut = withCut(withView(newPage(at(0)), calm, at(1000)));
  t.ok(isStale(cut, at(1001)));
  const told = withSilence(cut, at(1001), 'stale since 12:00:00');
  t.equal(told.said.at(-1)?.text, 'stale since 12:00:00');
  t.equal(withSilence(told, at(1500), 'stale since 12:00:00'), told, 'it is said once');
  const back = withView(told, calm, at(2000));
  t.notOk(isStale(back, at(2000)));
  t.equal(back.said.at(-1)?.text, 'Connected again: failover possible.');
  t.end();
});

await t.test('who listens is told of health, master, pause and roles, and of nothing else', (t) => {
  t.equal(changeText(null, calm), 'redis is healthy: failover possible.');
  t.equal(changeText(calm, { ...calm, at: 'later' }), null);
  t.equal(changeText(calm, moved), 'redis-1 is master of term 15; failover possible.');
  t.match(changeText(calm, splitBrain), /redis is critical: split brain: redis-0 and redis-1 lead/);
  t.match(changeText(splitBrain, calm), /redis is healthy: failover possible/);
  t.equal(changeText(calm, paused), 'Failover is paused by alice.');
  t.equal(changeText(paused, calm), 'Failover is not paused any more.');
  const none = { ...calm, master: null, health: 'critical' as const, summary: 'no master: why' };
  t.equal(changeText(calm, none), 'redis is critical: no master: why.');
  const limbo = calm.members.map((each) =>
    each.pod === 'redis-2' ? { ...each, role: 'limbo', state: 'waiting' } : each,
  );
  t.equal(changeText(calm, { ...calm, members: limbo }), 'redis-2 is limbo, waiting.');
  t.end();
});

const behind = (bytes: number | null): readonly MemberView[] =>
  calm.members.slice(1, 2).map((each) => ({ ...each, uid: 'u', behindBytes: bytes }));

await t.test('five minutes of lag are kept, a sample a second, the worst of each', (t) => {
  let lag = NO_LAG;
  for (let second = 0; second < 1000; second++) {
    lag = withSamples(lag, behind(5), second * 1000);
    lag = withSamples(lag, behind(second === 990 ? 77 : null), second * 1000 + 500);
  }
  const samples = lag.get('u') ?? [];
  t.equal(samples.length, LAG_SECONDS);
  t.equal(worstOf(samples), 77);
  t.same(samples.at(-1), { second: 999, bytes: 5 }, 'an unknown one hides nothing');
  t.equal(withSamples(lag, [], 1_000_000).size, 0, 'a pod that is gone is forgotten');
  t.equal(withSamples(lag, behind(1), 10_000).get('u')?.length, 1, 'a clock that was set back');
  const members = large(300).members.map((each) => ({ ...each, behindBytes: 1 }));
  t.equal(withSamples(NO_LAG, members, 0).size, 100, 'of a hundred pods at most');
  t.equal(worstOf([{ second: 1, bytes: null }]), null);
  t.end();
});

await t.test('the line of the lag breaks where nothing was heard', (t) => {
  const box = { width: 300, height: 22 };
  const of = (...seconds: number[]) =>
    lagPath(
      seconds.map((second) => ({ second, bytes: second })),
      300_000,
      box,
    );
  t.equal(of(299, 300), 'M298.0 1.1L299.0 1.1L300.0 1.0');
  t.equal(of(290, 300).match(/M/g)?.length, 2, 'two lines');
  t.equal(of(0), '', 'too old');
  t.equal(lagPath([{ second: 300, bytes: null }], 300_000, box), '');
  t.end();
});

await t.test('leaders stand on the left, the next in line at the top right', (t) => {
  const { masters, others, left } = layoutOf(calm);
  t.same(
    masters.map(({ member }) => member.pod),
    ['redis-0'],
  );
  t.same(
    others.map(({ member, y }) => [member.pod, y]),
    [
      ['redis-2', 0],
      ['redis-1', 92],
    ],
  );
  t.equal(left, 0);
  t.equal(layoutOf(splitBrain).masters.length, 2);
  t.equal(layoutOf(large(100)).left, 88);
  t.end();
});

await t.test('figures in the words that people read', (t) => {
  t.same([0, 999, 1000, 27_118_304, 10 ** 15].map(bytesText), [
    '0 B',
    '999 B',
    '1.0 KB',
    '27.1 MB',
    '1000.0 TB',
  ]);
  t.same([-5, 400, 59_999, 61_000, 7_260_000, 266_400_000].map(spanText), [
    '0.0 s',
    '0.4 s',
    '59 s',
    '1 min',
    '2 h 1 min',
    '3 d 2 h',
  ]);
  t.same([1, 2, 3, 4, 11, 12, 21, 112].map(placeText), [
    '1st',
    '2nd',
    '3rd',
    '4th',
    '11th',
    '12th',
    '21st',
    '112th',
  ]);
  t.same([0, 999, 1000, 88_120_415].map(countText), ['0', '999', '1,000', '88,120,415']);
  t.same([shortText('abcd', 4), shortText('abcde', 4)], ['abcd', 'abc…']);
  t.end();
});
