import t from 'tap';
t.teardown(async () => {
  await new Promise((r) => setTimeout(r, 300));
  t.comment('root teardown done');
});
t.setTimeout(5000);
await t.test('a', async (t) => {
  t.teardown(() => t.comment('passing?', t.passing()));
  t.equal(1, 2);
});
await t.test('b', async (t) => {
  throw new Error('x');
});
await t.test('c', async (t) => {
  t.pass('x');
});
