// `helm test` of a release that has just been installed: it passes and leaves nothing, and says what is wrong where
// no webhook runs, or where the API server does not trust it.

import type { Test } from 'tap';
import type { HelmAnswer } from '../../harness/helm.ts';
import { waitFor } from '../../harness/wait-for.ts';
import type { Cluster } from '../cluster.ts';
import type { Installer } from './installers.ts';

const DEPLOYMENT = 'deployment/redis-orchestrator-webhook';
const CONFIGURATION = 'mutatingwebhookconfiguration/redis-orchestrator';
const WEBHOOK_PODS = 'app.kubernetes.io/component=webhook';
const CHECK = 'redis-orchestrator-check';
const KINDS = ['pod', 'serviceaccount', 'role', 'rolebinding', 'clusterrole', 'clusterrolebinding'];
const LIMITS = { timeoutMs: 60_000, everyMs: 200 };

type Release = Installer & { readonly test: () => Promise<HelmAnswer> };

export class HelmTest {
  private readonly t: Test;
  private readonly cluster: Cluster;
  private readonly release: Release;

  constructor(t: Test, cluster: Cluster, release: Release) {
    this.t = t;
    this.cluster = cluster;
    this.release = release;
  }

  /** And says this. */
  async passes(...says: readonly RegExp[]): Promise<void> {
    const start = performance.now();
    const { ok, stdout, stderr } = await this.release.test();
    this.t.comment(`passed after ${((performance.now() - start) / 1000).toFixed(1)} s\n${stdout}`);
    this.t.ok(ok, stderr);
    const trust = /^√ webhook: the API server trusts it: its certificate authority ends in /m;
    for (const line of [/^√ webhook: 2 of 2 pods are ready$/m, trust, ...says]) {
      this.t.match(`${stdout}${stderr}`, line);
    }
    this.t.same(await this.remains(), [], 'nothing of it stands');
  }

  async tellsWhatIsWrong(): Promise<void> {
    await this.kubectl('scale', DEPLOYMENT, '--replicas=0');
    const isGone = async (): Promise<boolean> =>
      (await this.kubectl('get', 'pods', '-l', WEBHOOK_PODS, '-o', 'name')) === '';
    await waitFor('no webhook runs', isGone, LIMITS);
    await this.fails(/^× webhook: 0 of 0 pods are ready: no pod is created .*-not-ready\]$/m);
    const none = [0, 1].map((index) => ({
      op: 'remove',
      path: `/webhooks/${index}/clientConfig/caBundle`,
    }));
    await this.kubectl('patch', CONFIGURATION, '--type=json', `--patch=${JSON.stringify(none)}`);
    await this.fails(/^× webhook: its configuration has no caBundle: .* \[no-ca-bundle\]$/m);
    await this.kubectl('scale', DEPLOYMENT, '--replicas=2');
    await this.kubectl('rollout', 'status', DEPLOYMENT, '--timeout=120s');
    await this.passes();
  }

  private async fails(says: RegExp): Promise<void> {
    const { ok, stdout, stderr } = await this.release.test();
    this.t.comment(`failed:\n${stdout}${stderr}\nleft: ${(await this.remains()).join(' ')}`);
    this.t.notOk(ok);
    this.t.match(`${stdout}${stderr}`, says);
  }

  private async remains(): Promise<readonly string[]> {
    const names = KINDS.map((kind) => `${kind}/${CHECK}`);
    const found = await this.kubectl('get', ...names, '--ignore-not-found', '-o', 'name');
    return found.split('\n').filter((line) => line !== '');
  }

  private async kubectl(...args: readonly string[]): Promise<string> {
    return await this.cluster.kubectl(['-n', this.release.namespace, ...args]);
  }
}
