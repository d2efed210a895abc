// What the pages are made of, as an interface: a cluster with the rights of whoever started the program.

import type { GroupView } from '../../src/group-view.ts';

export type Looked = {
  readonly view: GroupView;
  /** False: nobody could be asked, and how the group is, is not known. */
  readonly isKnown: boolean;
};

export type Listed = {
  readonly looks: readonly Looked[];
  /** What could not be seen, in sentences. */
  readonly notes: readonly string[];
};

export type GroupsSource = {
  readonly list: () => Promise<Listed>;
  /** Null: there is no such group. */
  readonly look: (namespace: string, group: string) => Promise<Looked | null>;
};
