import t from 'tap';
import { GUARD_REPLICAS, isolatedTerms, ownTerms } from '../../agent/redis/write-terms.ts';

const terms = (minReplicas: number, maxLagSeconds: number) => ({ minReplicas, maxLagSeconds });
const known = terms(2, 7);

await t.test('isolated: one replica at least, and the shortest lag', (t) => {
  t.same(isolatedTerms(terms(0, 10)), terms(1, 1));
  t.same(isolatedTerms(terms(3, 10)), terms(3, 1), 'who wanted more keeps it');
  t.end();
});

await t.test('what was configured is learned, never what the agent set itself', (t) => {
  t.same(ownTerms(terms(0, 10), known), terms(0, 10));
  t.same(ownTerms(terms(GUARD_REPLICAS, 5), known), terms(2, 5), 'the guard');
  t.same(ownTerms(terms(1, 1), known), known, 'the isolation');
  t.same(ownTerms(terms(3, 1), known), terms(3, 7), 'the isolation keeps a greater number');
  t.same(ownTerms(terms(1, 5), known), terms(1, 5));
  t.end();
});

await t.test('what was not answered, or not asked, changes nothing', (t) => {
  t.same(ownTerms(terms(Number.NaN, Number.NaN), known), known);
  t.same(ownTerms(terms(1, Number.NaN), known), terms(1, 7));
  t.end();
});
