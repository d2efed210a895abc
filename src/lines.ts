// A stream of bytes as lines, for everything that is sent as one JSON object per line.

/** No line may be larger: an object of the API server is at most 1.5 MiB. */
const LINE_MAX = 4 * 1024 * 1024;

export async function* linesOf(body: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      if (line.trim() !== '') yield line;
    }
    if (rest.length > LINE_MAX) throw new Error(`a line of more than ${LINE_MAX} bytes`);
  }
}
