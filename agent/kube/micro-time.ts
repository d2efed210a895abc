/** RFC 3339 with the six digits that a MicroTime of the API server wants. */
export function microTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('Z', '000Z');
}
