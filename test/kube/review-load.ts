// Reviews without a pause: the API server calls two replicas, the first by the namespace's label and the second by
// the pod's own, and whatever is refused or comes back bare is noted.

import type { ControlPlane } from '../harness/control-plane.ts';
import { waitFor } from '../harness/wait-for.ts';
import { redisPod } from '../unit/webhook-fixtures.ts';
import { CONFIGURATION } from './webhook-setup.ts';

type Answer = { readonly spec: { readonly initContainers?: readonly unknown[] } };

const LABELS = { 'redis-orchestrator.io/inject': 'enabled' };
const NAMESPACE = 'load';

export class ReviewLoad {
  readonly failures: string[] = [];
  requests = 0;
  private readonly controlPlane: ControlPlane;

  constructor(controlPlane: ControlPlane) {
    this.controlPlane = controlPlane;
  }

  /** The namespace with all that pods in it need; no review comes of it. */
  async prepare(): Promise<void> {
    const { admin } = this.controlPlane;
    const path = `/api/v1/namespaces/${NAMESPACE}`;
    if ((await admin.find(path)) !== undefined) return;
    await admin.create('/api/v1/namespaces', { metadata: { name: NAMESPACE, labels: LABELS } });
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}`;
    const needed = [
      `${path}/serviceaccounts/default`,
      `${path}/serviceaccounts/redis-orchestrator`,
      `${rbac}/rolebindings/redis-orchestrator-agent`,
    ];
    for (const object of needed) {
      await waitFor(object, async () => await admin.find(object), { timeoutMs: 20_000 });
    }
  }

  /** Waits until the API server calls these two with success. */
  async start(ports: readonly [number, number]): Promise<void> {
    await this.prepare();
    await this.callAt(ports);
    await waitFor('both replicas inject', async () => await this.both(), { timeoutMs: 20_000 });
  }

  /** Where the API server finds the one for the namespace's label, and the one for the pod's. */
  async callAt(ports: readonly [number, number]): Promise<void> {
    const operations = ports.map((port, index) => ({
      op: 'replace',
      path: `/webhooks/${index}/clientConfig/url`,
      value: `https://127.0.0.1:${port}/mutate`,
    }));
    await this.controlPlane.admin.patch(CONFIGURATION, operations, 'json');
  }

  /** One pod for each replica; false: one was not injected. */
  async both(): Promise<boolean> {
    const asked = { name: 'redis-1', labels: LABELS };
    return (await this.create({ name: 'redis-0' })) && (await this.create(asked));
  }

  /** Until `work` is done; `afterEach` sees what there is after each pair of reviews. */
  async during(work: Promise<unknown>, afterEach?: () => Promise<void>): Promise<void> {
    const state = { isOver: false };
    const ended = work.finally(() => (state.isOver = true));
    while (!state.isOver) {
      try {
        if (!(await this.both())) this.failures.push('not injected');
      } catch (error) {
        this.failures.push(String(error));
      }
      this.requests += 2;
      await afterEach?.();
    }
    await ended;
  }

  private async create(metadata: object): Promise<boolean> {
    const pod = { apiVersion: 'v1', kind: 'Pod', ...redisPod({}, { metadata }) };
    const path = `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All`;
    const { spec } = await this.controlPlane.admin.create<Answer>(path, pod);
    return spec.initContainers?.length === 1;
  }
}
