// An Event of events.k8s.io/v1 as both programs create it, and the memory that says nothing twice.

/** The object that an Event is about. */
export type Regarding = {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string | undefined;
};

export type EventText = {
  readonly type: 'Normal' | 'Warning';
  /** PascalCase. */
  readonly reason: string;
  readonly action: string;
  readonly note: string;
};

/** Limits of the API server (validation of events.k8s.io/v1), in bytes. */
const NOTE_MAX = 1024;
const NAME_MAX = 200;

/** `suffix` makes the name unique: of the same name there is one Event. */
export function eventBody(
  regarding: Regarding,
  text: EventText,
  from: { readonly controller: string; readonly instance: string; readonly suffix: string },
) {
  const { type, reason, action, note } = text;
  const { apiVersion, kind, uid, namespace, name } = regarding;
  return {
    metadata: {
      namespace,
      name: `${name.slice(0, NAME_MAX).replace(/[-.]$/, '')}.${from.suffix}`,
    },
    type,
    reason,
    action,
    note: shortened(note),
    reportingController: from.controller,
    reportingInstance: from.instance,
    regarding: {
      ...(apiVersion === undefined ? {} : { apiVersion }),
      ...(kind === undefined ? {} : { kind }),
      ...(uid === undefined ? {} : { uid }),
      namespace,
      name,
    },
  };
}

/** The API server counts bytes. */
function shortened(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= NOTE_MAX) return note;
  const ellipsis = '…';
  const room = NOTE_MAX - Buffer.byteLength(ellipsis);
  // A character that was cut in two is left out.
  return `${bytes
    .subarray(0, room)
    .toString()
    .replace(/\uFFFD$/, '')}${ellipsis}`;
}

/** RO_DATA_CONFLICT and data-conflict: DataConflict. */
export function pascalCase(code: string): string {
  const words = code
    .toLowerCase()
    .split(/[_-]/)
    .filter((word) => word !== '');
  return words.map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`).join('');
}

/** What was told within the last `againMs` is not told again; bounded. */
export class ToldBefore {
  readonly #againMs: number;
  readonly #max: number;
  readonly #told = new Map<string, number>();

  constructor({ againMs, max }: { readonly againMs: number; readonly max: number }) {
    this.#againMs = againMs;
    this.#max = max;
  }

  isTold(key: string, nowMs: number): boolean {
    const last = this.#told.get(key);
    if (last !== undefined && nowMs - last < this.#againMs) return true;
    this.#told.delete(key);
    this.#told.set(key, nowMs);
    const [oldest] = this.#told.keys();
    if (this.#told.size > this.#max && oldest !== undefined) this.#told.delete(oldest);
    return false;
  }
}
