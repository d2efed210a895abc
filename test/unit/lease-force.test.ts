// The annotation by which a person forces an election: the term, and who it was.

import t from 'tap';
import { LeaseAdapter } from '../../agent/kube/lease.ts';
import type { ApiClient } from '../../agent/kube/api.ts';
import type { LeaseView } from '../../agent/core/model.ts';
import { FORCE_ANNOTATION } from '../../src/names.ts';

async function seen(force: string): Promise<LeaseView | null> {
  const body = { metadata: { annotations: { [FORCE_ANNOTATION]: force } }, spec: {} };
  const api = { send: async () => ({ ok: true, body }) } as unknown as ApiClient;
  const read = await new LeaseAdapter(api, 'shop', 'redis', 4000).read(100);
  return read.ok ? read.body : null;
}

await t.test('a term, and who forced it, where that is told', async (t) => {
  const plain = await seen('5');
  t.equal(plain?.force, 5);
  t.equal(plain?.forcedBy, undefined);
  t.match(await seen('5 by alice'), { force: 5, forcedBy: 'alice' });
  t.match(await seen('5 by alice of the night shift'), { forcedBy: 'alice of the night shift' });
});

await t.test('what cannot be read forces nothing', async (t) => {
  for (const text of ['', 'yes', '5x', '-5', '5 alice', `5 by ${'x'.repeat(61)}`, '5 by a\nb']) {
    t.equal((await seen(text))?.force, null, JSON.stringify(text));
  }
});
