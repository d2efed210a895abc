// Keeps `caBundle` in the webhook configuration. It is ours alone, by server-side apply under a
// field manager of its own: no manifest renders it, so nobody fights over it. Wiped, it comes back.

import {
  type AdmissionregistrationV1Api,
  PatchStrategy,
  setHeaderOptions,
  type V1MutatingWebhookConfiguration,
} from '@kubernetes/client-node';
import { isStatus } from '../kube.ts';

const CA_FIELD_MANAGER = 'redis-orchestrator-ca';

export class CaBundle {
  private readonly api: AdmissionregistrationV1Api;
  private readonly name: string;

  constructor(api: AdmissionregistrationV1Api, name: string) {
    this.api = api;
    this.name = name;
  }

  /** True where the configuration had another bundle and was changed; absent: nothing to do. */
  async ensure(bundlePem: string): Promise<boolean> {
    const caBundle = Buffer.from(bundlePem).toString('base64');
    const configuration = await this.read();
    const webhooks = configuration?.webhooks ?? [];
    if (webhooks.every((webhook) => webhook.clientConfig.caBundle === caBundle)) return false;
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
    return true;
  }

  private async read(): Promise<V1MutatingWebhookConfiguration | undefined> {
    try {
      return await this.api.readMutatingWebhookConfiguration({ name: this.name });
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }
}
