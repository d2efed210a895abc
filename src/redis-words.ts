// How Redis reads a line of its configuration: words, quotes and escapes. (The rules of sdssplitargs, in
// sds.c of Redis 6.0 to 8.0; a property test compares this reading with real servers.)

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  a: '\u0007',
};

/** Reads on one line, from the byte at `at`; bytes stand as Latin-1 characters. */
class Line {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Undefined where a quote is not closed, or is followed by something else than a blank. */
  words(): string[] | undefined {
    const words: string[] = [];
    for (;;) {
      while (this.#isBlank()) this.#at++;
      if (this.#at >= this.#text.length) return words;
      const word = this.#word();
      if (word === undefined) return undefined;
      words.push(word);
    }
  }

  #isBlank(): boolean {
    return /[\s\0]/.test(this.#text[this.#at] ?? '');
  }

  #word(): string | undefined {
    let word = '';
    while (this.#at < this.#text.length && !this.#isBlank()) {
      const char = this.#text[this.#at++] ?? '';
      if (char !== '"' && char !== "'") {
        word += char;
        continue;
      }
      const inner = char === '"' ? this.#double() : this.#single();
      // A closing quote ends the word.
      if (inner === undefined || (this.#at < this.#text.length && !this.#isBlank()))
        return undefined;
      return word + inner;
    }
    return word;
  }

  #double(): string | undefined {
    let inner = '';
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at++] ?? '';
      if (char === '"') return inner;
      inner += char === '\\' ? this.#escaped() : char;
    }
    return undefined;
  }

  #escaped(): string {
    const hex = /^x([\da-fA-F]{2})/.exec(this.#text.slice(this.#at, this.#at + 3))?.[1];
    if (hex !== undefined) {
      this.#at += 3;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    // A backslash at the very end stands for itself.
    if (this.#at >= this.#text.length) return '\\';
    const char = this.#text[this.#at++] ?? '';
    return ESCAPES[char] ?? char;
  }

  #single(): string | undefined {
    let inner = '';
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at++] ?? '';
      if (char === "'") return inner;
      const isQuote = char === '\\' && this.#text[this.#at] === "'";
      inner += isQuote ? "'" : char;
      if (isQuote) this.#at++;
    }
    return undefined;
  }
}

/** The words of a line, quotes taken off; undefined where Redis would refuse it. */
export function redisWords(line: string): string[] | undefined {
  const words = new Line(Buffer.from(line).toString('latin1')).words();
  return words?.map((word) => Buffer.from(word, 'latin1').toString());
}

/** The directives of a redis.conf in their order, names in lower case; what Redis would refuse is left out. */
export function directives(text: string): readonly (readonly string[])[] {
  return text.split('\n').flatMap((line) => {
    const plain = line.trim();
    const [name, ...values] = plain.startsWith('#') ? [] : (redisWords(plain) ?? []);
    return name === undefined ? [] : [[name.toLowerCase(), ...values]];
  });
}
