// A short stable name for a text: FNV-1a in two lanes. It tells contents apart, it guards nothing.

function fnv1a(text: string, seed: number): number {
  let hash = seed >>> 0;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619) >>> 0;
  }
  return hash;
}

/** Ten characters of [0-9a-z]. */
export function shortHash(text: string): string {
  const lane = (seed: number): string => fnv1a(text, seed).toString(36).padStart(7, '0').slice(-5);
  return lane(2_166_136_261) + lane(3_735_928_559);
}
