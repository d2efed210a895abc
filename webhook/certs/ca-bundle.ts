// Keeps `caBundle` in the webhook configuration. It is ours alone, by server-side apply under a
// field manager of its own: no manifest renders it, so nobody fights over it. Wiped, it comes back.

import {
  type AdmissionregistrationV1Api,
  PatchStrategy,
  setHeaderOptions,
  type V1MutatingWebhook,
} from '@kubernetes/client-node';
import { isStatus } from '../kube.ts';
import { certificatesOf, isLiving, joined } from './pem.ts';

const CA_FIELD_MANAGER = 'redis-orchestrator-ca';
/** The API server reads configurations through a watch: a change is in force after about 1 s. */
export const SETTLE_MS = 3000;

export class CaBundle {
  private readonly api: AdmissionregistrationV1Api;
  private readonly name: string;

  constructor(api: AdmissionregistrationV1Api, name: string) {
    this.api = api;
    this.name = name;
  }

  /** True where the configuration had another bundle and was changed; absent: nothing to do. */
  async ensure(bundlePem: string): Promise<boolean> {
    const webhooks = await this.read();
    const caBundle = encode(bundlePem);
    if (webhooks.every((webhook) => webhook.clientConfig.caBundle === caBundle)) return false;
    await this.write(webhooks, caBundle);
    return true;
  }

  /**
   * The same, but others in it stay: replicas get files at different times, and each would write the others'
   * authority away for ever. Those that have ended go.
   */
  async include(bundlePem: string, nowMs: number): Promise<boolean> {
    const webhooks = await this.read();
    const wanted = certificatesOf(bundlePem);
    const held = webhooks.map(({ clientConfig }) => certificatesOf(decode(clientConfig.caBundle)));
    const isThere = held.every((some) => wanted.every((pem) => some.includes(pem)));
    if (isThere) return false;
    const others = held.flat().filter((pem) => isLiving(pem, nowMs));
    await this.write(webhooks, encode(joined([...wanted, ...others])));
    return true;
  }

  private async write(webhooks: readonly V1MutatingWebhook[], caBundle: string): Promise<void> {
    const body = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: this.name },
      webhooks: webhooks.map(({ name }) => ({ name, clientConfig: { caBundle } })),
    };
    await this.api.patchMutatingWebhookConfiguration(
      { name: this.name, body, fieldManager: CA_FIELD_MANAGER, force: true },
      setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply),
    );
  }

  private async read(): Promise<readonly V1MutatingWebhook[]> {
    try {
      const { webhooks } = await this.api.readMutatingWebhookConfiguration({ name: this.name });
      return webhooks ?? [];
    } catch (error) {
      if (isStatus(error, 404)) return [];
      throw error;
    }
  }
}

function encode(pem: string): string {
  return Buffer.from(pem).toString('base64');
}

function decode(caBundle: string | undefined): string {
  return Buffer.from(caBundle ?? '', 'base64').toString();
}
