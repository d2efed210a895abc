// Go-style durations ("1h30m", "1.5s", "300ms"): what Kubernetes people write everywhere.

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of a Go-style duration, or undefined where the text is none. Never negative. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const part = /(\d+(?:\.\d+)?)(ms|s|m|h)/gy;
  let totalMs = 0;
  let end = 0;
  for (let match = part.exec(text); match !== null; match = part.exec(text)) {
    totalMs += Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? Number.NaN);
    end = part.lastIndex;
  }
  return end === 0 || end !== text.length || !Number.isFinite(totalMs) ? undefined : totalMs;
}

/** The shortest Go-style text of a number of milliseconds. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(3))}s`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = Number(((ms % 60_000) / 1000).toFixed(3));
  const part = (value: number, unit: string): string => (value === 0 ? '' : `${value}${unit}`);
  return part(hours, 'h') + part(minutes, 'm') + part(seconds, 's');
}
