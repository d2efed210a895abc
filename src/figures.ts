// Figures in the words that people read, at the terminal as in the browser. Pure.

const SIZES = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** In steps of 1000: `0 B`, `27.1 MB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let step = 0;
  while (value >= 1000 && step < SIZES.length - 1) {
    value /= 1000;
    step++;
  }
  return `${step === 0 ? value : value.toFixed(1)} ${SIZES[step] ?? ''}`;
}

/** `88,120,415`. */
export function countText(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** `1st`, `2nd`, `3rd`, `11th`. */
export function placeText(place: number): string {
  const isTeen = place % 100 >= 11 && place % 100 <= 13;
  const ending = isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][place % 10] ?? 'th');
  return `${place}${ending}`;
}
