// The namespace controller: knows which namespaces are labelled and ready, prepares those that are
// labelled or asked for, repairs what somebody changes. Every replica knows; one of them, the leader, does it.
// What a pod asks for is done by the replica that it asked, whoever leads: it waits for that.

import type { V1Namespace, V1RoleBinding } from '@kubernetes/client-node';
import type { Log } from '../../src/log.ts';
import {
  AGENT_ROLE,
  AGENT_SERVICE_ACCOUNT,
  INJECT_LABEL,
  MADE_ANNOTATION,
  MANAGER,
} from '../../src/names.ts';
import type { NamespaceFacts } from '../core/plan.ts';
import type { Made } from '../core/upkeep.ts';
import { isNamespaceGone, isStatus, type Kube, kubeMessage } from '../kube.ts';
import { type Followed, Follower } from './follow.ts';
import type { Leader } from './leader.ts';
import { MANAGED_BY_LABEL, NamespaceAccess } from './namespace-access.ts';
import { isInUse } from './pods.ts';
import { WorkQueue } from './work-queue.ts';

export type NamespacesOptions = {
  readonly kube: Kube;
  readonly leader: Pick<Leader, 'isLeader' | 'isDecided'>;
  readonly excluded: ReadonlySet<string>;
  readonly log: Log;
  /** Passes without a jump. */
  readonly elapsedMs: () => number;
  readonly onError: () => void;
  /** The value of a namespace's label is neither enabled nor disabled. */
  readonly onMisspelt: (namespace: V1Namespace, value: string) => void;
};

/** Names of the service account, the Role, the RoleBinding: in the order of the followers. */
const OURS = [AGENT_SERVICE_ACCOUNT, AGENT_ROLE, AGENT_ROLE] as const;
const RESYNC_MS = 600_000;
/** A pod that was refused comes again within this, or is nobody's any more. */
const ASKED_MS = 120_000;
/** Between a review and its pod other webhooks are called, each for 30 s at most. */
const AWAITED_MS = 60_000;
const LOOK_AGAIN_MS = 500;
/** A namespace whose policies hang must not keep the whole webhook from being ready. */
const FIRST_LOOK_MS = 5000;

/** A RoleBinding has subjects. */
type Managed = Followed & Pick<V1RoleBinding, 'subjects'>;

export class Namespaces {
  private readonly options: NamespacesOptions;
  private readonly access: NamespaceAccess;
  private readonly queue: WorkQueue;
  /** Service accounts, Roles, RoleBindings. */
  private readonly followers: readonly Follower<Managed>[];
  private readonly bindings: Follower<Managed>;
  private readonly namespaces: Follower<V1Namespace & Followed>;
  /** Why the last attempt to prepare a namespace failed. */
  private readonly problems = new Map<string, string>();
  private wasSynced = false;
  private listedAtMs: number | undefined;
  /** Namespaces without the label whose pods asked by their own, and until when that counts. */
  private readonly asked = new Map<string, number>();
  /** Accounts of pods that were injected a moment ago, and until when the pod may come. */
  private readonly awaited = new Map<string, Map<string, number>>();

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
    this.bindings = this.followManaged(
      '/apis/rbac.authorization.k8s.io/v1/rolebindings',
      async (labelSelector) => await rbac.listRoleBindingForAllNamespaces({ labelSelector }),
    );
    this.followers = [
      this.followManaged(
        '/api/v1/serviceaccounts',
        async (labelSelector) => await core.listServiceAccountForAllNamespaces({ labelSelector }),
      ),
      this.followManaged(
        '/apis/rbac.authorization.k8s.io/v1/roles',
        async (labelSelector) => await rbac.listRoleForAllNamespaces({ labelSelector }),
      ),
      this.bindings,
    ];
  }

  start(): void {
    for (const follower of [this.namespaces, ...this.followers]) void follower.run();
    setInterval(() => this.lead(), RESYNC_MS).unref();
  }

  /** Looks at everything: as the leader from now on, and now and then. */
  lead(): void {
    for (const [key, object] of this.namespaces.objects) {
      this.labelChanged(key.slice(1), labelOf(object) ?? '', object);
    }
  }

  /** Every labelled namespace was looked at once, but for those that take long; it stays true. */
  get isSynced(): boolean {
    const isListed = [this.namespaces, ...this.followers].every((follower) => follower.isSynced);
    if (this.wasSynced || !isListed || !this.options.leader.isDecided) return this.wasSynced;
    const nowMs = this.options.elapsedMs();
    this.listedAtMs ??= nowMs;
    this.wasSynced = this.queue.isIdle || nowMs - this.listedAtMs > FIRST_LOOK_MS;
    return this.wasSynced;
  }

  facts(name: string): NamespaceFacts {
    const isEnabled = labelOf(this.namespaces.objects.get(`/${name}`)) === 'enabled';
    return { name, isEnabled, isReady: this.isReady(name), problem: this.problems.get(name) };
  }

  /** The objects are there, whoever made them: seen in the watches, not remembered. */
  private isReady(namespace: string): boolean {
    return this.objectsIn(namespace).every((object) => object !== undefined);
  }

  /** Namespaces with the label. */
  enabled(): readonly string[] {
    const names = [...this.namespaces.objects.keys()].map((key) => key.slice(1));
    return names.filter((name) => this.isEnabled(name));
  }

  /** Namespaces that have objects of ours and nobody who wants them, as far as labels say. */
  leftovers(): readonly string[] {
    const keys = this.followers.flatMap(({ objects }) => [...objects.keys()]);
    const names = new Set(keys.map((key) => key.split('/')[0] ?? ''));
    const isLeft = (name: string): boolean =>
      !this.isEnabled(name) && !this.isAsked(name) && !this.options.excluded.has(name);
    return [...names].filter(isLeft);
  }

  made(namespace: string): { readonly account: Made; readonly role: Made; readonly binding: Made } {
    const [account = 'absent', role = 'absent', binding = 'absent'] = this.objectsIn(namespace).map(
      (object) => (object === undefined ? 'absent' : isOurs(object) ? 'ours' : 'theirs'),
    );
    return { account, role, binding };
  }

  /** Takes away what the webhook made: the binding, or, at a later look, all the rest. */
  async retire(namespace: string, what: 'unbind' | 'remove'): Promise<readonly string[]> {
    const [account, role, binding] = this.objectsIn(namespace).map((object) =>
      isOurs(object) ? object?.metadata?.uid : undefined,
    );
    if (what === 'unbind') return await this.access.remove(namespace, { binding });
    return await this.access.remove(namespace, { role, account });
  }

  /** Service account, Role and RoleBinding, each where it is there. */
  private objectsIn(namespace: string): readonly (Managed | undefined)[] {
    return this.followers.map(({ objects }, at) => objects.get(`${namespace}/${OURS[at]}`));
  }

  /** Something may be wrong there. */
  look(namespace: string): void {
    this.queue.add(namespace);
  }

  /** A pod asked for injection where nothing is ready yet. */
  ask(namespace: string): void {
    if (this.options.excluded.has(namespace)) return;
    const nowMs = this.options.elapsedMs();
    for (const [name, until] of this.asked) if (until < nowMs) this.asked.delete(name);
    this.asked.set(namespace, nowMs + ASKED_MS);
    this.queue.add(namespace);
  }

  /** A pod is injected that has an account of its own; it is not there yet, so nothing else tells of it. */
  bind(namespace: string, account: string): void {
    if (this.isBound(namespace, account)) return;
    const accounts = this.awaited.get(namespace) ?? new Map<string, number>();
    accounts.set(account, this.options.elapsedMs() + AWAITED_MS);
    this.awaited.set(namespace, accounts);
    this.ask(namespace);
  }

  /** As the watch shows it: what was bound once may have been taken away since, by whomever. */
  isBound(namespace: string, account: string): boolean {
    const binding = this.bindings.objects.get(`${namespace}/${AGENT_ROLE}`);
    return (binding?.subjects ?? []).some(
      (subject) =>
        subject.kind === 'ServiceAccount' &&
        subject.name === account &&
        subject.namespace === namespace,
    );
  }

  private async prepare(namespace: string): Promise<void> {
    try {
      const isWanted = await this.isWanted(namespace);
      const changes = isWanted ? await this.ensure(namespace) : [];
      // Also where nothing is wanted any more: who asks next must not be told of an attempt that is long over.
      this.problems.delete(namespace);
      if (!isWanted) this.awaited.delete(namespace);
      if (changes.length > 0) this.options.log.info({ namespace, changes }, 'namespace prepared');
    } catch (error) {
      // Gone meanwhile, or on its way: nothing can be made in it.
      if (isNamespaceGone(error) || isBeingDeleted(error)) {
        this.asked.delete(namespace);
        this.awaited.delete(namespace);
        this.problems.delete(namespace);
        return;
      }
      throw error;
    }
  }

  /**
   * An account is bound once a pod that runs as it is there: a review alone proves nothing, since whoever reaches our
   * port can send one.
   */
  private async ensure(namespace: string): Promise<readonly string[]> {
    const changes = await this.access.ensure(namespace);
    this.forgetBound(namespace);
    if (this.awaited.has(namespace)) this.queue.addLater(namespace, LOOK_AGAIN_MS);
    return changes;
  }

  /**
   * An account that was seen bound had its pod. At once, for a pod may come and go between two looks: who still waited for
   * it would make anew, twice a second, what the leader takes away.
   */
  private forgetBound(namespace: string): void {
    const awaited = this.awaited.get(namespace) ?? new Map<string, number>();
    for (const [account, until] of awaited) {
      const isDone = until < this.options.elapsedMs() || this.isBound(namespace, account);
      if (isDone) awaited.delete(account);
    }
    if (awaited.size === 0) this.awaited.delete(namespace);
  }

  private isEnabled(namespace: string): boolean {
    if (this.options.excluded.has(namespace)) return false;
    const object = this.namespaces.objects.get(`/${namespace}`);
    return object?.metadata?.deletionTimestamp === undefined && labelOf(object) === 'enabled';
  }

  private isAsked(namespace: string): boolean {
    const until = this.asked.get(namespace);
    if (until !== undefined && until < this.options.elapsedMs()) this.asked.delete(namespace);
    return this.asked.has(namespace);
  }

  /** Without label and question, agents that run keep what they need. */
  private async isWanted(namespace: string): Promise<boolean> {
    if (this.isEnabled(namespace) || this.isAsked(namespace)) return true;
    if (this.options.excluded.has(namespace)) return false;
    return await isInUse(this.options.kube.core, namespace);
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
        // Another one of the same name may have come while the watch was away.
        const isSame = label === labelOf(former) && object?.metadata?.uid === former?.metadata?.uid;
        if (object !== undefined && !isSame) {
          this.labelChanged(name, label ?? '', object);
        }
      },
    });
  }

  private labelChanged(namespace: string, label: string, object: V1Namespace): void {
    if (!this.options.leader.isLeader || label === 'disabled') return;
    if (label === 'enabled') {
      if (this.isEnabled(namespace)) this.queue.add(namespace);
      return;
    }
    this.options.log.warn({ namespace, label }, `${INJECT_LABEL}: write enabled or disabled`);
    this.options.onMisspelt(object, label);
  }

  /** Any change of an object of ours makes its namespace be looked at; a look changes nothing. */
  private followManaged(
    path: string,
    list: (labelSelector: string) => Promise<{ items: Managed[] }>,
  ): Follower<Managed> {
    const labelSelector = `${MANAGED_BY_LABEL}=${MANAGER}`;
    const { kube, log } = this.options;
    return new Follower<Managed>({
      watch: kube.watch,
      path,
      query: { labelSelector },
      list: async () => await list(labelSelector),
      log,
      onChange: (key, object, former) => {
        const namespace = key.split('/')[0] ?? '';
        this.forgetBound(namespace);
        const isSame = object?.metadata?.resourceVersion === former?.metadata?.resourceVersion;
        if (!isSame && this.options.leader.isLeader) this.queue.add(namespace);
      },
    });
  }
}

/** The webhook made it, and no person. */
function isOurs(object: Managed | undefined): boolean {
  return object?.metadata?.annotations?.[MADE_ANNOTATION] === 'true';
}

function labelOf(namespace: Followed | undefined): string | undefined {
  return namespace?.metadata?.labels?.[INJECT_LABEL];
}

function isBeingDeleted(error: unknown): boolean {
  return isStatus(error, 403) && /being terminated/.test(kubeMessage(error));
}
