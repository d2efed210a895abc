// How often an object was written while something happened: nobody may write for ever against another.

import type { KubeClient, KubeList } from '../harness/kube-client.ts';

/** `path` is a collection, `name` an object of it; writes that change nothing are none. */
export async function countWrites(
  admin: KubeClient,
  path: string,
  name: string,
  work: () => Promise<unknown>,
): Promise<number> {
  const collection = `${path}?fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
  const { metadata } = await admin.get<KubeList<object>>(collection);
  const ending = new AbortController();
  let writes = 0;
  const watched = admin.watch(
    collection,
    metadata?.resourceVersion ?? '',
    ({ type }) => (writes += type === 'BOOKMARK' ? 0 : 1),
    ending.signal,
  );
  const ended = watched.catch((error: unknown) => {
    if (!ending.signal.aborted) throw error;
  });
  await work();
  ending.abort();
  await ended;
  return writes;
}
