// Quantities of Kubernetes (resource.Quantity): 500m, 1.5, 128Mi, 1e3. The API server refuses every pod with another.

const UNITS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** In whole units; undefined for what is none. Less than nothing is none here. */
export function quantityOf(text: string): number | undefined {
  const [, digits = '', power, unit = ''] =
    /^\+?(\d+\.?\d*|\.\d+)(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(text) ?? [];
  const factor = power === undefined ? UNITS[unit] : Number(`1${power}`);
  return digits === '' || factor === undefined ? undefined : Number(digits) * factor;
}
