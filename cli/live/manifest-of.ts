// Objects of the API server as the commands on manifests read them. They are no text: nobody writes them again.

import type { Manifest } from '../manifest/parse.ts';

export function manifestOf(items: readonly object[]): Manifest {
  const values = [{ apiVersion: 'v1', kind: 'List', items }];
  return { name: 'cluster', mark: '', text: '', documents: [], values };
}
