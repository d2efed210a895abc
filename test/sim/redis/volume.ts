// What outlives a Redis process: its files. A pod without a claim has a new volume with each pod;
// a container that restarts in its pod keeps the volume.

import type { Dataset } from './dataset.ts';

/** dump.rdb; `replid` is null where Redis saved no replication state with it. */
export type Snapshot = {
  readonly dataset: Dataset;
  readonly replid: string | null;
  readonly offset: number;
};

export class Volume {
  /** Data that are of no group of ours lay here from the start. */
  isForeign = false;
  snapshot: Snapshot | null = null;
  /** An AOF has neither replication id nor offset. Nearly always written before the reply. */
  appendOnly: Dataset | null = null;
  /** Counts how often the AOF was made anew. */
  appendFile = 0;
  /** Only Redis 8 looks at these: where the file begins, its bytes, and its end if stopped well. */
  appendStart = 0;
  appendBytes = 0;
  appendEnd: number | null = null;
}
