// What the bench of scale tells its processes of simulated agents, and what they tell it.

export type GroupPlan = {
  readonly namespace: string;
  readonly name: string;
  readonly token: string;
  readonly pods: readonly { readonly name: string; readonly uid: string }[];
};

export type ScalePlan = {
  readonly url: string;
  readonly caPem: string;
  /** Agents start over so long, as those of a cluster do. */
  readonly rampMs: number;
  /** From the start of the process; what is before it is not measured. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly groups: readonly GroupPlan[];
  readonly resultFile: string;
};

export type ScaleResult = {
  readonly renewals_ms: readonly number[];
  /** From a renewal's time to the moment at which another agent's watch told of it. */
  readonly watched_ms: readonly number[];
  readonly failed: Readonly<Record<string, number>>;
  /** Holders whose validity ended: real ones would have fenced themselves. */
  readonly expired: number;
  readonly requests: number;
  readonly brokenWatches: number;
  readonly cpuSeconds: number;
};
