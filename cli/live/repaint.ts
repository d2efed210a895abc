// A screen that is painted again in place, in one write: nothing is cleared before it is written over, so that
// nothing flickers. The screen of before comes back at the end.

import type { Console } from './context.ts';

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const REST_OF_LINE = '\u001b[K';
const REST_OF_SCREEN = '\u001b[J';
/** A terminal that knows synchronized updates shows the whole at once. */
const [BEGIN, END] = ['\u001b[?2026h', '\u001b[?2026l'];

export class Repaint {
  readonly #console: Console;
  #isOpen = false;
  #last = '';

  constructor(console: Console) {
    this.#console = console;
  }

  /** Lines that find no room are left out, and it is said. */
  paint(page: string): void {
    const { rows } = this.#console.size();
    const lines = page.trimEnd().split('\n');
    const room = Math.max(1, rows - 1);
    const shown =
      lines.length <= room
        ? lines
        : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`];
    const body = shown.map((line) => `${line}${REST_OF_LINE}\n`).join('');
    const enter = this.#isOpen ? '' : ENTER;
    this.#isOpen = true;
    this.#last = page;
    this.#console.write(`${enter}${BEGIN}${HOME}${body}${REST_OF_SCREEN}${END}`);
  }

  /** The last picture stays for a look. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#console.write(`${LEAVE}${this.#last}`);
  }
}
