// Agents that failed at the same moment must not try again at the same moment. The core knows no
// randomness: what differs between agents is their id, and between tries their number.

/** From 0 to below 1, always the same for the same agent and try. */
export function jitterOf(agentId: string, attempt: number): number {
  // FNV-1a: any hash that spreads neighbours will do.
  let hash = 0x811c9dc5;
  for (const character of `${agentId}/${attempt}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  // Its low bits know of the last character most: fold the high ones in.
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return ((hash ^ (hash >>> 12)) >>> 0) / 2 ** 32;
}

/** Between a half and the whole. */
export function spread(ms: number, share: number): number {
  return ms * (0.5 + share / 2);
}
