// Makes what agents need in one namespace: service account, Role, RoleBinding. Level-triggered and
// the same for every replica: read, compare, write only a difference. Two replicas agree by
// construction, and a person's other settings on the objects are left alone.

import { setTimeout as delay } from 'node:timers/promises';
import {
  type CoreV1Api,
  PatchStrategy,
  type RbacAuthorizationV1Api,
  type RbacV1Subject,
  setHeaderOptions,
  type V1ObjectMeta,
  type V1PolicyRule,
} from '@kubernetes/client-node';
import {
  AGENT_ROLE,
  AGENT_SERVICE_ACCOUNT,
  GROUP_LABEL,
  MADE_ANNOTATION,
  MANAGER,
  PREFIX,
} from '../../src/names.ts';
import { AGENT_RULES, AGENT_RULES_REVISION } from '../agent-role.ts';
import { isAlreadyThere, isNamespaceGone, isStatus } from '../kube.ts';
import { accountOfAgent } from './pods.ts';

export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
const REVISION_ANNOTATION = `${PREFIX}/rules-revision`;

/** What carries it is taken away when nobody uses it any more; what a person made is not. */
const MADE = { [MADE_ANNOTATION]: 'true' };
const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** Before each further look at what somebody else wrote at the same time: one of two is done after the first. */
const OVERTAKEN_MS = [10, 50, 250] as const;

export class NamespaceAccess {
  private readonly core: CoreV1Api;
  private readonly rbac: RbacAuthorizationV1Api;

  constructor(core: CoreV1Api, rbac: RbacAuthorizationV1Api) {
    this.core = core;
    this.rbac = rbac;
  }

  /** Sentences of what was changed; none when all was right. */
  async ensure(namespace: string): Promise<readonly string[]> {
    const done = [
      await settled(() => this.ensureAccount(namespace)),
      await settled(() => this.ensureRole(namespace)),
      await settled(() => this.ensureBinding(namespace)),
    ];
    return done.filter((change) => change !== undefined);
  }

  /** Deletes those whose UIDs are given, if they still are what was looked at. */
  async remove(
    namespace: string,
    uids: {
      readonly binding?: string | undefined;
      readonly role?: string | undefined;
      readonly account?: string | undefined;
    },
  ): Promise<readonly string[]> {
    const { binding, role, account } = uids;
    const of = (name: string, uid: string) => ({
      namespace,
      name,
      body: { preconditions: { uid } },
    });
    const { core, rbac } = this;
    const done = [
      binding === undefined
        ? undefined
        : await deleted(
            `RoleBinding ${AGENT_ROLE}`,
            rbac.deleteNamespacedRoleBinding(of(AGENT_ROLE, binding)),
          ),
      role === undefined
        ? undefined
        : await deleted(`Role ${AGENT_ROLE}`, rbac.deleteNamespacedRole(of(AGENT_ROLE, role))),
      account === undefined
        ? undefined
        : await deleted(
            `service account ${AGENT_SERVICE_ACCOUNT}`,
            core.deleteNamespacedServiceAccount(of(AGENT_SERVICE_ACCOUNT, account)),
          ),
    ];
    return done.filter((change) => change !== undefined);
  }

  private async ensureAccount(namespace: string): Promise<string | undefined> {
    const name = AGENT_SERVICE_ACCOUNT;
    const found = await orAbsent(this.core.readNamespacedServiceAccount({ namespace, name }));
    if (found !== undefined) {
      if (found.metadata?.labels?.[MANAGED_BY_LABEL] === MANAGER) return undefined;
      const body = { metadata: { labels: { [MANAGED_BY_LABEL]: MANAGER } } };
      await this.core.patchNamespacedServiceAccount(
        { namespace, name, body },
        setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
      );
      return `service account ${name} labelled`;
    }
    const labels = { [MANAGED_BY_LABEL]: MANAGER };
    const metadata = { name, namespace, labels, annotations: MADE };
    // The agent brings a token volume of its own; nothing else needs one.
    const body = { metadata, automountServiceAccountToken: false };
    return await created(`service account ${name}`, async () => {
      await this.core.createNamespacedServiceAccount({ namespace, body });
    });
  }

  private async ensureRole(namespace: string): Promise<string | undefined> {
    const name = AGENT_ROLE;
    const found = await orAbsent(this.rbac.readNamespacedRole({ namespace, name }));
    // During an update of the webhook, old and new must not write against each other.
    const revision = Number(found?.metadata?.annotations?.[REVISION_ANNOTATION] ?? 0);
    const isNewer = revision > AGENT_RULES_REVISION;
    const metadata = {
      ...keptOf(found),
      name,
      namespace,
      labels: { ...found?.metadata?.labels, [MANAGED_BY_LABEL]: MANAGER },
      annotations: {
        ...(found === undefined ? MADE : found.metadata?.annotations),
        [REVISION_ANNOTATION]: String(isNewer ? revision : AGENT_RULES_REVISION),
      },
    };
    const rules = isNewer ? (found?.rules ?? []) : AGENT_RULES;
    const body = { metadata, rules };
    if (found === undefined) {
      return await created(`Role ${name}`, async () => {
        await this.rbac.createNamespacedRole({ namespace, body });
      });
    }
    const isSame =
      revision >= AGENT_RULES_REVISION &&
      JSON.stringify((found.rules ?? []).map(ruleKey)) === JSON.stringify(rules.map(ruleKey)) &&
      found.metadata?.labels?.[MANAGED_BY_LABEL] === MANAGER;
    if (isSame) return undefined;
    await this.rbac.replaceNamespacedRole({ namespace, name, body });
    return `Role ${name} corrected`;
  }

  private async ensureBinding(namespace: string): Promise<string | undefined> {
    const name = AGENT_ROLE;
    const found = await orAbsent(this.rbac.readNamespacedRoleBinding({ namespace, name }));
    const accounts = new Set([AGENT_SERVICE_ACCOUNT, ...(await this.accountsOfAgents(namespace))]);
    // What another replica or a person bound stays bound.
    const kept = (found?.subjects ?? []).filter(
      (subject) => !(subject.kind === 'ServiceAccount' && subject.namespace === namespace),
    );
    for (const subject of found?.subjects ?? []) {
      if (!kept.includes(subject)) accounts.add(subject.name);
    }
    const subjects: RbacV1Subject[] = [
      ...kept,
      ...[...accounts]
        .sort()
        .map((account) => ({ kind: 'ServiceAccount', name: account, namespace })),
    ];
    const roleRef = { apiGroup: RBAC_GROUP, kind: 'Role', name: AGENT_ROLE };
    const labels = { ...found?.metadata?.labels, [MANAGED_BY_LABEL]: MANAGER };
    const annotations = found?.metadata?.annotations ?? {};
    const metadata = { ...keptOf(found), name, namespace, labels, annotations };
    const create = async (): Promise<void> => {
      const body = { metadata: { name, namespace, labels, annotations: MADE }, roleRef, subjects };
      await this.rbac.createNamespacedRoleBinding({ namespace, body });
    };
    if (found === undefined) return await created(`RoleBinding ${name}`, create);
    if (found.roleRef.kind !== 'Role' || found.roleRef.name !== AGENT_ROLE) {
      // roleRef cannot be changed: the binding is made anew. Not one that another replica made meanwhile.
      const uid = found.metadata?.uid;
      const body = uid === undefined ? {} : { preconditions: { uid } };
      await deleted(
        `RoleBinding ${name}`,
        this.rbac.deleteNamespacedRoleBinding({ namespace, name, body }),
      );
      return await created(`RoleBinding ${name}`, create);
    }
    const isSame =
      found.metadata?.labels?.[MANAGED_BY_LABEL] === MANAGER &&
      JSON.stringify(names(found.subjects)) === JSON.stringify(names(subjects));
    if (isSame) return undefined;
    await this.rbac.replaceNamespacedRoleBinding({
      namespace,
      name,
      body: { metadata, roleRef, subjects },
    });
    return `RoleBinding ${name} corrected`;
  }

  /** Accounts of the pods that have an agent now: the state, not a memory of it. */
  private async accountsOfAgents(namespace: string): Promise<readonly string[]> {
    const { items } = await this.core.listNamespacedPod({
      namespace,
      labelSelector: GROUP_LABEL,
      resourceVersion: '0',
    });
    return items.flatMap((pod) => accountOfAgent(pod) ?? []);
  }
}

type Kept = Partial<Pick<V1ObjectMeta, 'resourceVersion' | 'finalizers' | 'ownerReferences'>>;

/** What of an object's own is not ours to change when it is written as a whole; its version, so that no write is lost. */
function keptOf(found: { metadata?: V1ObjectMeta } | undefined): Kept {
  const { resourceVersion, finalizers, ownerReferences } = found?.metadata ?? {};
  return {
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(finalizers === undefined ? {} : { finalizers }),
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
  };
}

/** All that widens or narrows it. */
function ruleKey({
  apiGroups,
  resources,
  verbs,
  resourceNames = [],
  nonResourceURLs = [],
}: V1PolicyRule) {
  return [apiGroups, resources, verbs, resourceNames, nonResourceURLs];
}

function names(subjects: readonly RbacV1Subject[] | undefined): readonly string[] {
  return (subjects ?? [])
    .map((subject) => `${subject.kind}/${subject.namespace}/${subject.name}`)
    .sort();
}

async function orAbsent<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

/** Another replica or a person wrote between the reading and the writing: what is there now is compared anew. */
async function settled<T>(work: () => Promise<T>): Promise<T> {
  for (const pauseMs of OVERTAKEN_MS) {
    try {
      return await work();
    } catch (error) {
      const isOvertaken = isStatus(error, 409) || (isStatus(error, 404) && !isNamespaceGone(error));
      if (!isOvertaken) throw error;
      await delay(pauseMs);
    }
  }
  return await work();
}

/** The other replica may have been faster: then it is there, and that is all that is wanted. */
async function created(what: string, create: () => Promise<void>): Promise<string | undefined> {
  try {
    await create();
    return `${what} created`;
  } catch (error) {
    if (isAlreadyThere(error)) return undefined;
    throw error;
  }
}

/** Gone already, or another object by now: then there is nothing to delete. */
async function deleted(what: string, request: Promise<unknown>): Promise<string | undefined> {
  try {
    await request;
    return `${what} deleted`;
  } catch (error) {
    if (isStatus(error, 404) || isStatus(error, 409)) return undefined;
    throw error;
  }
}
