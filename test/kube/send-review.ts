// A review that a test sends itself, and not the API server.

import { type Dispatcher, request } from 'undici';

export type Answer = {
  readonly response: { readonly allowed: boolean; readonly patch?: string };
};

/** `dispatcher` believes the certificate of the webhook unseen. */
export async function sendReview(
  httpsPort: number,
  asked: { readonly uid: string; readonly namespace: string; readonly object: object },
  options: { readonly dispatcher: Dispatcher; readonly dryRun: boolean },
): Promise<Answer> {
  const { dispatcher, dryRun } = options;
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const answer = await request(`https://127.0.0.1:${httpsPort}/mutate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: { ...asked, kind, operation: 'CREATE', dryRun },
    }),
    dispatcher,
  });
  return (await answer.body.json()) as Answer;
}
