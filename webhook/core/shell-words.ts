// The words of one simple shell command, without running it: quotes are taken off, `$VAR`, `${VAR}` and
// `$(command)` stay as they are written, redirections are left out (POSIX.1-2017, Shell Command Language,
// sections 2.2 and 2.7). What would do more than that, or is not closed, gives no words at all.

/** Ends a word, or does more than a word. */
const PLAIN = /[^\s"'`\\|&;<>*?(){}$]/;
/** Means something only where a word begins: a comment, a home directory, a negation. */
const NOT_FIRST = /[#~!]/;
const REDIRECTION = /(\d*)(?:>>|>\||[<>])&?\s*/y;
const VARIABLE = /\$(?:[A-Za-z_]\w*|[@*#?$!\d-]|\{[^\s"'`\\{}]*\})/y;
const SUBSTITUTION = /\$\([^"'`\\()]*\)/y;

class Reader {
  readonly #text: string;
  #at = 0;
  #word: string | undefined;
  readonly words: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** False: it is no simple command. */
  read(): boolean {
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? '';
      if (/\s/.test(char)) this.#endWord();
      else if (char === "'" || char === '"') {
        if (!this.#quoted(char)) return false;
      } else if (char === '$') {
        if (!this.#take(SUBSTITUTION) && !this.#take(VARIABLE)) return false;
      } else if (this.#word === undefined && this.#skipRedirection()) {
        if (!this.#skipTarget()) return false;
      } else if (!PLAIN.test(char) || (this.#word === undefined && NOT_FIRST.test(char))) {
        return false;
      } else {
        this.#word = (this.#word ?? '') + char;
        this.#at++;
      }
    }
    this.#endWord();
    return true;
  }

  #endWord(): void {
    if (this.#word !== undefined) this.words.push(this.#word);
    this.#word = undefined;
    this.#at++;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }

  #take(pattern: RegExp): boolean {
    const found = this.#match(pattern);
    if (found === undefined) return false;
    this.#word = (this.#word ?? '') + found;
    this.#at += found.length;
    return true;
  }

  #quoted(quote: string): boolean {
    const end = this.#text.indexOf(quote, this.#at + 1);
    const inner = this.#text.slice(this.#at + 1, end);
    if (end < 0 || (quote === '"' && /[`\\]/.test(inner))) return false;
    this.#word = (this.#word ?? '') + inner;
    this.#at = end + 1;
    return true;
  }

  #skipRedirection(): boolean {
    const found = this.#match(REDIRECTION);
    // A here-document goes on for lines.
    if (found === undefined || found.startsWith('<')) return false;
    this.#at += found.length;
    return true;
  }

  #skipTarget(): boolean {
    const target = this.#match(/[\w./$-]+/y);
    if (target === undefined) return false;
    this.#at += target.length;
    return true;
  }
}

/** Undefined where the text is more than one simple command. */
export function shellWords(text: string): readonly string[] | undefined {
  const reader = new Reader(text);
  return reader.read() ? reader.words : undefined;
}
