// The status annotation: what was injected, and how the pod was before. Anybody may write an annotation, so
// reading trusts nothing.

import { isMap } from '../../src/json.ts';
import type { Before } from './before.ts';
import type { BootFence } from './boot-fence.ts';

/** What `uninject` needs of it. */
export type Status = {
  readonly container: string;
  readonly bootFence: BootFence['kind'];
  /** Names of volumes that were added. */
  readonly volumes: readonly string[];
  /** Absent before revision 2. */
  readonly before: Before | undefined;
};

const FENCES: readonly unknown[] = [
  'arguments',
  'arguments-and-variable',
  'shell',
  'variable',
  'present',
  'none',
];

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** `at` numbers, then the item. */
function isPlaces(value: unknown, length: number): boolean {
  return (
    value === undefined ||
    (Array.isArray(value) &&
      value.every(
        (place: unknown) =>
          Array.isArray(place) &&
          place.length === length &&
          Number.isSafeInteger(place[length - 2]),
      ))
  );
}

function isBefore(value: unknown): value is Before {
  return (
    isMap(value) &&
    isTexts(value['absent']) &&
    (value['was'] === undefined || isMap(value['was'])) &&
    isPlaces(value['volumes'], 2) &&
    isPlaces(value['mounts'], 4)
  );
}

/** Undefined for what is no status of ours. */
export function readStatus(text: string): Status | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isMap(value)) return undefined;
  const { container, bootFence, volumes, before } = value;
  if (typeof container !== 'string' || !FENCES.includes(bootFence) || !isTexts(volumes)) {
    return undefined;
  }
  if (before !== undefined && !isBefore(before)) return undefined;
  return { container, bootFence: bootFence as BootFence['kind'], volumes, before };
}
