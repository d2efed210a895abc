// The text of a file that was named on the command line; what is no file of text is told with its remedy.

import { messageOf } from '../src/errors.ts';

/** The bytes of a file, or of standard input by the name `-`. */
export type ReadFile = (name: string) => Promise<Uint8Array>;

type Text =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly errors: readonly string[] };

export async function readText(name: string, read: ReadFile): Promise<Text> {
  // kubectl fetches such a name; this program asks nobody.
  if (/^https?:\/\//i.test(name)) {
    const remedy = `fetch it first: curl -fsSL ${name} | redis-orchestrator COMMAND -f -`;
    return {
      ok: false,
      errors: [`${name}: is a URL, and files alone are read. Remedy: ${remedy}.`],
    };
  }
  let bytes: Uint8Array;
  try {
    bytes = await read(name);
  } catch (error) {
    return { ok: false, errors: [unreadable(name, error)] };
  }
  try {
    // A byte order mark is a part of the file: it comes out again.
    return {
      ok: true,
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    };
  } catch {
    return { ok: false, errors: [`${name}: is no UTF-8. Remedy: convert it (iconv -t UTF-8).`] };
  }
}

function unreadable(name: string, error: unknown): string {
  const isFolder = (error as { code?: unknown } | null)?.code === 'EISDIR';
  return isFolder
    ? `${name}: is a directory. Remedy: name its files one by one, or write kubectl kustomize ${name} | redis-orchestrator COMMAND -f -.`
    : `${name}: cannot be read: ${messageOf(error)}. Remedy: check the name, or write -f - for a pipe.`;
}
