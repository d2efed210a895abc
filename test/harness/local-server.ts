// A server of one test on this machine alone.

import { createServer, type RequestListener } from 'node:http';
import type { Test } from 'tap';

/** Its port; it ends with the test, whoever still waits for an answer. */
export async function localServer(t: Test, answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
