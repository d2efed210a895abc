// Times as people read them at a terminal. Pure.

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
