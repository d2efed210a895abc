// Our own pod: its UID and address. Asked for until the API server answers, with a growing pause and jitter.

import type { V1Pod } from '@kubernetes/client-node';
import { OrchestratorError } from '../../src/errors.ts';
import type { Log } from '../../src/log.ts';
import type { Clock } from '../clock.ts';
import { spread } from '../core/jitter.ts';
import type { PodsAdapter } from './pods.ts';

const TIMEOUT_MS = 2000;
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 5000;

export type OwnPod = { readonly pod: V1Pod; readonly uid: string; readonly ip: string };

type Known = {
  readonly podName: string;
  readonly podUid: string | undefined;
  readonly podIp: string | undefined;
};

/** Throws RO_KUBE_DENIED where the account may not read pods; waits while nothing answers. */
export async function readOwnPod(
  pods: PodsAdapter,
  known: Known,
  clock: Clock,
  log: Log,
  random: () => number,
): Promise<OwnPod> {
  for (let failures = 0; ; failures++) {
    const read = await pods.read(known.podName, TIMEOUT_MS);
    if (read.ok) {
      const uid = read.body.metadata?.uid ?? '';
      const ip = known.podIp ?? read.body.status?.podIP;
      if (known.podUid !== undefined && known.podUid !== uid) {
        throw new OrchestratorError(
          'RO_CONFIG_INVALID',
          `--pod-uid: ${known.podUid} is not the UID of pod ${known.podName} (${uid})`,
          { remedy: 'Let the downward API set POD_UID.' },
        );
      }
      if (ip !== undefined) return { pod: read.body, uid, ip };
      log.debug('this pod has no address yet');
    } else if (read.status === 403 || read.status === 401) {
      throw new OrchestratorError(
        'RO_KUBE_DENIED',
        `reading pod ${known.podName}: ${read.message}`,
      );
    } else {
      log.warn({ status: read.status, detail: read.message }, 'own pod not read yet');
    }
    const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures, 6));
    await clock.sleep(spread(backoffMs, random()));
  }
}
