// Where the time of our crash goes: the agents' traces of one round, on the clock that all processes
// of this machine share, from the kill to the first write.

import { readFileSync, statSync } from 'node:fs';
import type { Pod } from '../harness/pod.ts';
import type { FaultRound } from './fault-round.ts';
import { aligned, percentile } from './figures.ts';
import type { OurGroup } from './ours.ts';

type Line = { readonly pod: Pod; readonly atMs: number; readonly msg: string };
type Who = 'master' | 'nominee' | 'replica' | 'client';
type Step = {
  readonly who: Who;
  readonly what: string;
  readonly matches: RegExp;
  /** Of several, the last one counts: all had to happen. */
  readonly isLast?: boolean;
};

const STEPS: readonly Step[] = [
  { who: 'master', what: "the agent's socket closed", matches: /^redis closed/ },
  { who: 'master', what: 'refused: crash proof', matches: /^redis refused/ },
  { who: 'replica', what: 'first replica asks for limbo', matches: /^do limbo/ },
  { who: 'replica', what: 'last replica asks for limbo', matches: /^do limbo/, isLast: true },
  { who: 'replica', what: 'last replica is frozen', matches: /^redis-done ok/, isLast: true },
  { who: 'master', what: 'swap sent', matches: /^do write-lease transfer/ },
  { who: 'master', what: 'swap answered', matches: /^lease-written ok/ },
  { who: 'nominee', what: 'watch seen by the nominee', matches: /^lease held by self/ },
  { who: 'nominee', what: 'other instances asked for limbo', matches: /^do fence-remote/ },
  { who: 'nominee', what: 'and the last answered', matches: /^remote-fenced/, isLast: true },
  { who: 'nominee', what: 'NO ONE sent', matches: /^do promote/ },
  { who: 'nominee', what: 'NO ONE answered, open sent', matches: /^do open/ },
  { who: 'nominee', what: 'open answered', matches: /^redis-done ok/, isLast: true },
];

/** performance.now() of this process on the machine's monotonic clock, which agents log by. */
const ORIGIN_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export class Budget {
  private readonly times = new Map<string, number[]>();
  private readonly ours: OurGroup;
  private readonly read = new Map<string, number>();

  constructor(ours: OurGroup) {
    this.ours = ours;
  }

  /** Logs before this moment are of no interest. */
  mark(): void {
    for (const { agent } of this.ours.group.pods) {
      this.read.set(agent.process.logFile, statSync(agent.process.logFile).size);
    }
  }

  add(round: FaultRound): void {
    if (round.ms === undefined || round.after === undefined) return;
    const endMs = round.faultAtMs + round.ms;
    const lines = this.lines()
      .map((line) => ({ ...line, atMs: line.atMs - ORIGIN_MS }))
      .filter(({ atMs }) => atMs >= round.faultAtMs && atMs <= endMs + 1);
    const { before, after } = round;
    const isOf = (line: Line, who: Who): boolean =>
      who === 'master'
        ? line.pod.ip === before
        : who === 'nominee'
          ? line.pod.ip === after
          : line.pod.ip !== before;
    for (const step of STEPS) {
      const found = lines.filter((line) => isOf(line, step.who) && step.matches.test(line.msg));
      // The nominee is asked to do other things later: the freeze is over when the swap is sent.
      const isFreeze = step.who === 'replica';
      const swap = lines.find((line) => line.msg.startsWith('do write-lease transfer'));
      const fit = isFreeze ? found.filter((line) => line.atMs < (swap?.atMs ?? endMs)) : found;
      const line = step.isLast === true ? fit.at(-1) : fit[0];
      if (line !== undefined) this.note(step.what, line.atMs - round.faultAtMs);
    }
    const closed = round.fromCloseMs;
    if (closed !== undefined) this.note(CLIENT_CLOSED, round.ms - closed);
    this.note(FIRST_WRITE, round.ms);
  }

  private lines(): Line[] {
    return this.ours.group.pods
      .flatMap((pod) => {
        const { logFile } = pod.agent.process;
        const bytes = readFileSync(logFile).subarray(this.read.get(logFile) ?? 0);
        return bytes
          .toString()
          .split('\n')
          .flatMap((text): Line[] => {
            const line = parsed(text);
            return line === undefined ? [] : [{ pod, ...line }];
          });
      })
      .sort((left, right) => left.atMs - right.atMs);
  }

  private note(what: string, ms: number): void {
    this.times.set(what, [...(this.times.get(what) ?? []), ms]);
  }

  table(): string {
    const whos = new Map(STEPS.map(({ what, who }) => [what, who as string]));
    const order = [CLIENT_CLOSED, ...STEPS.map(({ what }) => what), FIRST_WRITE];
    let before = 0;
    const rows = order.map((what) => {
      const times = this.times.get(what) ?? [];
      const [p50, p95] = [percentile(times, 0.5), percentile(times, 0.95)];
      const step = p50 - before;
      if (Number.isFinite(p50)) before = p50;
      const figures = [p50, step, p95, percentile(times, 1)].map((ms) =>
        Number.isFinite(ms) ? ms.toFixed(1) : '-',
      );
      return [whos.get(what) ?? 'client', what, String(times.length), ...figures];
    });
    return aligned([['who', 'step', 'n', 'p50 ms', 'step', 'p95 ms', 'max ms'], ...rows]);
  }
}

const CLIENT_CLOSED = "the client's socket closed";
const FIRST_WRITE = 'first acknowledged write';

function parsed(text: string): { atMs: number; msg: string } | undefined {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line !== 'object' || line === null) return undefined;
    const [clockMs, msg] = [Reflect.get(line, 'clockMs'), Reflect.get(line, 'msg')];
    return typeof clockMs === 'number' && typeof msg === 'string'
      ? { atMs: clockMs, msg }
      : undefined;
  } catch {
    return undefined;
  }
}
