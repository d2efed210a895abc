// The namespace controller: knows which namespaces are labelled and ready, prepares those that are
// labelled or asked for, repairs what somebody changes. Every replica runs it; no leader is needed.

import type { V1Namespace } from '@kubernetes/client-node';
import type { Log } from '../../src/log.ts';
import { AGENT_ROLE, AGENT_SERVICE_ACCOUNT, INJECT_LABEL, MANAGER } from '../../src/names.ts';
import type { NamespaceFacts } from '../core/plan.ts';
import { isStatus, type Kube, kubeMessage } from '../kube.ts';
import { type Followed, Follower } from './follow.ts';
import { MANAGED_BY_LABEL, NamespaceAccess } from './namespace-access.ts';
import { WorkQueue } from './work-queue.ts';

export type NamespacesOptions = {
  readonly kube: Kube;
  readonly excluded: ReadonlySet<string>;
  readonly log: Log;
  readonly onError: () => void;
  /** The value of a namespace's label is neither enabled nor disabled. */
  readonly onMisspelt: (namespace: V1Namespace, value: string) => void;
};

const RESYNC_MS = 600_000;

export class Namespaces {
  private readonly options: NamespacesOptions;
  private readonly access: NamespaceAccess;
  private readonly queue: WorkQueue;
  private readonly followers: readonly Follower<Followed>[];
  private readonly namespaces: Follower<V1Namespace & Followed>;
  /** Why the last attempt to prepare a namespace failed. */
  private readonly problems = new Map<string, string>();
  private wasSynced = false;
  /** Namespaces without the label whose pods asked by their own. */
  private readonly asked = new Set<string>();
  private readonly accounts = new Map<string, Set<string>>();

  constructor(options: NamespacesOptions) {
    this.options = options;
    const { core, rbac } = options.kube;
    this.access = new NamespaceAccess(core, rbac);
    this.queue = new WorkQueue({
      work: async (namespace) => await this.prepare(namespace),
      onError: (namespace, error, retryMs) => {
        const problem = kubeMessage(error);
        this.problems.set(namespace, problem);
        options.onError();
        options.log.warn({ namespace, error: problem, retryMs }, 'namespace could not be prepared');
      },
    });
    this.namespaces = this.followNamespaces();
    this.followers = [
      this.followManaged(
        '/api/v1/serviceaccounts',
        async (labelSelector) => await core.listServiceAccountForAllNamespaces({ labelSelector }),
      ),
      this.followManaged(
        '/apis/rbac.authorization.k8s.io/v1/roles',
        async (labelSelector) => await rbac.listRoleForAllNamespaces({ labelSelector }),
      ),
      this.followManaged(
        '/apis/rbac.authorization.k8s.io/v1/rolebindings',
        async (labelSelector) => await rbac.listRoleBindingForAllNamespaces({ labelSelector }),
      ),
    ];
  }

  start(): void {
    for (const follower of [this.namespaces, ...this.followers]) void follower.run();
    setInterval(() => {
      const labelled = [...this.namespaces.objects.keys()].map((key) => key.slice(1));
      for (const namespace of new Set([...labelled, ...this.asked])) {
        if (this.isWanted(namespace)) this.queue.add(namespace);
      }
    }, RESYNC_MS).unref();
  }

  /** Every labelled namespace was looked at once; it stays true. */
  get isSynced(): boolean {
    const isListed = [this.namespaces, ...this.followers].every((follower) => follower.isSynced);
    this.wasSynced ||= isListed && this.queue.isIdle;
    return this.wasSynced;
  }

  facts(name: string): NamespaceFacts {
    const isEnabled = labelOf(this.namespaces.objects.get(`/${name}`)) === 'enabled';
    return { name, isEnabled, isReady: this.isReady(name), problem: this.problems.get(name) };
  }

  /** The objects are there, whoever made them: seen in the watches, not remembered. */
  private isReady(namespace: string): boolean {
    const names = [AGENT_SERVICE_ACCOUNT, AGENT_ROLE, AGENT_ROLE];
    return this.followers.every(({ objects }, at) => objects.has(`${namespace}/${names[at]}`));
  }

  /** A pod asked for injection where nothing is ready yet. */
  ask(namespace: string): void {
    if (this.options.excluded.has(namespace)) return;
    this.asked.add(namespace);
    this.queue.add(namespace);
  }

  /** A pod is injected that has an account of its own. */
  bind(namespace: string, account: string): void {
    const accounts = this.accounts.get(namespace) ?? new Set();
    if (accounts.has(account)) return;
    accounts.add(account);
    this.accounts.set(namespace, accounts);
    this.queue.add(namespace);
  }

  private async prepare(namespace: string): Promise<void> {
    try {
      const changes = await this.access.ensure(
        namespace,
        this.accounts.get(namespace) ?? new Set(),
      );
      this.problems.delete(namespace);
      if (changes.length > 0) this.options.log.info({ namespace, changes }, 'namespace prepared');
    } catch (error) {
      // Gone meanwhile, or on its way: nothing can be made in it.
      if (isStatus(error, 404) || isBeingDeleted(error)) {
        this.asked.delete(namespace);
        this.accounts.delete(namespace);
        this.problems.delete(namespace);
        return;
      }
      throw error;
    }
  }

  private isWanted(namespace: string): boolean {
    const object = this.namespaces.objects.get(`/${namespace}`);
    if (object?.metadata?.deletionTimestamp !== undefined) return false;
    if (this.options.excluded.has(namespace)) return false;
    return labelOf(object) === 'enabled' || this.asked.has(namespace);
  }

  private followNamespaces(): Follower<V1Namespace & Followed> {
    const { kube, log } = this.options;
    return new Follower<V1Namespace & Followed>({
      watch: kube.watch,
      path: '/api/v1/namespaces',
      query: { labelSelector: INJECT_LABEL },
      list: async () => await kube.core.listNamespace({ labelSelector: INJECT_LABEL }),
      log,
      onChange: (key, object, former) => {
        const name = key.slice(1);
        const label = labelOf(object);
        if (object !== undefined && label !== labelOf(former)) {
          this.labelChanged(name, label ?? '', object);
        }
      },
    });
  }

  private labelChanged(namespace: string, label: string, object: V1Namespace): void {
    if (label === 'enabled') {
      if (this.isWanted(namespace)) this.queue.add(namespace);
      return;
    }
    if (label === 'disabled') return;
    this.options.log.warn({ namespace, label }, `${INJECT_LABEL}: write enabled or disabled`);
    this.options.onMisspelt(object, label);
  }

  /** Any change of an object of ours makes its namespace be looked at; a look changes nothing. */
  private followManaged(
    path: string,
    list: (labelSelector: string) => Promise<{ items: Followed[] }>,
  ): Follower<Followed> {
    const labelSelector = `${MANAGED_BY_LABEL}=${MANAGER}`;
    const { kube, log } = this.options;
    return new Follower<Followed>({
      watch: kube.watch,
      path,
      query: { labelSelector },
      list: async () => await list(labelSelector),
      log,
      onChange: (key, object, former) => {
        const namespace = key.split('/')[0] ?? '';
        const isSame = object?.metadata?.resourceVersion === former?.metadata?.resourceVersion;
        if (isSame || !this.isWanted(namespace)) return;
        this.queue.add(namespace);
      },
    });
  }
}

function labelOf(namespace: Followed | undefined): string | undefined {
  return namespace?.metadata?.labels?.[INJECT_LABEL];
}

function isBeingDeleted(error: unknown): boolean {
  return isStatus(error, 403) && /being terminated/.test(kubeMessage(error));
}
