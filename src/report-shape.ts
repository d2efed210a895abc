// Whether what a peer sent is a report: peers of another version, or strangers at an old address,
// may send anything. Every field that anybody reads is looked at.

import { isWhole } from './annotation-fields.ts';
import {
  type AgentReport,
  type InstanceReport,
  isTerm,
  type Loss,
  type PauseReport,
  ROLE_NAMES,
  type RouteReport,
} from './wire.ts';

type Check = (value: unknown) => boolean;
type Shape<T> = Readonly<Partial<Record<keyof T, Check>>>;

const text: Check = (value) => typeof value === 'string';
const flag: Check = (value) => typeof value === 'boolean';
const count: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const orAbsent =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const oneOf =
  (names: readonly unknown[]): Check =>
  (value) =>
    names.includes(value);
const shaped =
  <T>(shape: Shape<T>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries<Check | undefined>(shape).every(([name, check]) =>
      check?.(Reflect.get(value, name)),
    );

const INSTANCE: Shape<InstanceReport> = {
  runId: text,
  version: text,
  replid: text,
  replid2: text,
  secondOffset: count,
  offset: count,
  priority: count,
  keys: count,
  loading: flag,
  syncing: flag,
  syncPercent: orAbsent(orNull(count)),
  linkUp: flag,
  aof: flag,
  unwritable: oneOf([undefined, null, 'aof', 'rdb']),
  upstream: orNull(text),
};

const REPORT: Shape<AgentReport> = {
  podName: text,
  podIP: text,
  podUID: text,
  isMaster: flag,
  startupTime: orNull(text),
  protocol: count,
  agentId: text,
  clockMs: count,
  role: oneOf(ROLE_NAMES),
  // A later version may have more of them.
  state: text,
  term: isTerm,
  offset: orNull(count),
  holder: orNull(text),
  frozenTerm: orNull(isTerm),
  finalOffset: orNull(shaped<{ term: number; offset: number }>({ term: isTerm, offset: count })),
  volume: text,
  leaving: flag,
  inSync: flag,
  refused: flag,
  failsafeRound: count,
  promise: orNull(shaped<{ agentId: string; round: number }>({ agentId: text, round: count })),
  problem: orNull(text),
  // An older agent has none of these.
  weaknesses: orAbsent(listOf(text)),
  route: orAbsent(
    listOf(shaped<RouteReport>({ service: text, kind: text, ok: flag, detail: text })),
  ),
  lost: orAbsent(orNull(shaped<Loss>({ term: isTerm, bytes: isWhole }))),
  paused: orAbsent(orNull(shaped<PauseReport>({ by: text, reason: text, until: text }))),
  instance: orNull(shaped(INSTANCE)),
};

export const isAgentReport = shaped(REPORT) as (value: unknown) => value is AgentReport;
