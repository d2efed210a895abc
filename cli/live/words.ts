// Numbers and times as people read them. Pure.

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

export function countText(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** As kubectl tells an age: its two greatest parts. */
export function ageText(ms: number): string {
  if (ms < 0) return '0s';
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.floor(ms / 1000);
  const [minutes, hours, days] = [60, 3600, 86_400].map((each) => Math.floor(seconds / each));
  const pair = (great: number, unit: string, small: number, part: string): string =>
    `${great}${unit}${small === 0 ? '' : `${small}${part}`}`;
  if (days !== undefined && days > 0) return pair(days, 'd', (hours ?? 0) % 24, 'h');
  if (hours !== undefined && hours > 0) return pair(hours, 'h', (minutes ?? 0) % 60, 'm');
  if (minutes !== undefined && minutes > 0) return pair(minutes, 'm', seconds % 60, 's');
  return `${seconds}s`;
}

/** Since an ISO time; a question mark where it is none. */
export function sinceText(iso: string, now: string): string {
  const ms = Date.parse(now) - Date.parse(iso);
  return Number.isNaN(ms) ? '?' : ageText(ms);
}

export function placeText(place: number): string {
  const isTeen = place % 100 >= 11 && place % 100 <= 13;
  const ending = isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][place % 10] ?? 'th');
  return `${place}${ending}`;
}
