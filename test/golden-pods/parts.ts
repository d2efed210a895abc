// What the axes of the golden pods change: one Redis container, its pod's metadata and the rest of its spec.

import type { Container, EnvVar } from '../../webhook/core/pod.ts';

export type Parts = {
  readonly container: Container;
  readonly metadata: { labels: Record<string, string>; annotations: Record<string, string> };
  readonly spec: Record<string, unknown> & {
    volumes: { name: string; [source: string]: unknown }[];
    containers: Container[];
    initContainers?: Container[];
  };
};

/** Whether more words for the server can be written, and where. */
export type Words = (parts: Parts, words: readonly string[]) => void;
export type Start = {
  readonly set: (container: Container, server: string) => void;
  readonly add?: Words;
};

export type Kind = 'official' | 'bitnami' | 'stack' | 'other';

/** One value of an axis. */
export type Vary = (parts: Parts, add: Words | undefined, kind: Kind) => void;

export function setEnv({ container }: Parts, ...entries: EnvVar[]): void {
  container.env = [...(container.env ?? []), ...entries];
}
