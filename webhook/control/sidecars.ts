// Whether agents are injected as native sidecars: only where the *oldest* kubelet knows them (1.29),
// a new API server is not enough. Looked up now and then, never in the request path.

import type { CoreV1Api } from '@kubernetes/client-node';
import type { Log } from '../../src/log.ts';
import { allKnowSidecars } from '../../src/native-sidecars.ts';
import { kubeMessage } from '../kube.ts';

const REFRESH_MS = 60_000;

export class Sidecars {
  private native: boolean | undefined;
  private readonly core: CoreV1Api;
  private readonly log: Log;

  constructor(core: CoreV1Api, log: Log, choice: string) {
    this.core = core;
    this.log = log;
    if (choice !== 'auto') this.native = choice === 'true';
    else void this.refreshForever();
  }

  get isKnown(): boolean {
    return this.native !== undefined;
  }

  /** An ordinary container works on every version. */
  get isNative(): boolean {
    return this.native ?? false;
  }

  private async refreshForever(): Promise<void> {
    await this.refresh();
    setTimeout(() => void this.refreshForever(), this.isKnown ? REFRESH_MS : 1000).unref();
  }

  private async refresh(): Promise<void> {
    try {
      const { items } = await this.core.listNode({ resourceVersion: '0' });
      const versions = items.map((node) => node.status?.nodeInfo?.kubeletVersion ?? '');
      const native = allKnowSidecars(versions);
      if (native !== this.native) this.log.info({ native, versions }, 'kind of sidecar decided');
      this.native = native;
    } catch (error) {
      this.log.warn({ error: kubeMessage(error) }, 'nodes could not be listed');
    }
  }
}
