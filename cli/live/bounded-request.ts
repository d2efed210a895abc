// One HTTP request that ends in time, whatever the other side does.

import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { messageOf } from '../../src/errors.ts';
import { formatDuration } from '../../src/duration.ts';

/** More than any answer that we ask for; a stranger at an agent's address may send without end. */
const BODY_MAX_BYTES = 64 * 1024 * 1024;

export type Reply =
  | { readonly ok: true; readonly status: number; readonly text: string; readonly date: string }
  | { readonly ok: false; readonly detail: string };

export async function boundedRequest(
  url: URL,
  options: https.RequestOptions,
  body: string | undefined,
  timeoutMs: number,
): Promise<Reply> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await new Promise<Reply>((resolve, reject) => {
      const { request } = url.protocol === 'http:' ? http : https;
      const sent = request(url, { ...options, signal }, (response) => {
        // The signal ends the body as well.
        readText(response).then(
          (text) =>
            resolve({
              ok: true,
              status: response.statusCode ?? 0,
              text,
              date: response.headers.date ?? '',
            }),
          reject,
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  } catch (error) {
    const detail = signal.aborted
      ? `no answer from ${url.host} within ${formatDuration(timeoutMs)}`
      : `${url.host}: ${messageOf(error)}`;
    return { ok: false, detail };
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    const piece = Buffer.from(chunk as Uint8Array);
    bytes += piece.length;
    if (bytes > BODY_MAX_BYTES) throw new Error(`sent more than ${BODY_MAX_BYTES} bytes`);
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString('utf8');
}
