// The leader's rounds. Three things no event announces: that the last agent of a namespace without label is gone,
// that a Redis runs without the agent it should have, and that an agent's account was never bound, since the replica
// that injected it ended. None deletes a pod, ever.

import { setTimeout as delay } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { Log } from '../../src/log.ts';
import { AGENT_CONTAINER, INJECT_LABEL, STATUS_ANNOTATION } from '../../src/names.ts';
import { decide } from '../core/decide.ts';
import type { CoreConfig } from '../core/plan.ts';
import { controllerOf, type Pod } from '../core/pod.ts';
import { reason } from '../core/reasons.ts';
import { decideUpkeep } from '../core/upkeep.ts';
import { type Kube, kubeMessage } from '../kube.ts';
import type { Leader } from './leader.ts';
import type { Namespaces } from './namespaces.ts';
import type { OwnerEvents } from './owner-events.ts';
import { accountOfAgent, isInUse, livingPods } from './pods.ts';

type Counts = ReadonlyMap<string, number>;

/** By namespace; of those with the label also where it is none. */
export type CountedPods = {
  /** Run without the agent that they should have. */
  readonly uninjected: Counts;
  /** Run with an agent of another image than is injected now. */
  readonly outdated: Counts;
};

const NONE: CountedPods = { uninjected: new Map(), outdated: new Map() };

export type RoundsOptions = {
  readonly kube: Kube;
  readonly leader: Pick<Leader, 'isLeader'>;
  readonly namespaces: Namespaces;
  readonly core: () => CoreConfig;
  readonly events: Pick<OwnerEvents, 'tell' | 'tellAbout'>;
  /** Empty while another leads. */
  readonly onCounted: (pods: CountedPods) => void;
  readonly log: Log;
  readonly everyMs: number;
};

export class Rounds {
  private readonly options: RoundsOptions;
  /** Namespaces without label in which no agent was seen at the last round. */
  private unused: ReadonlySet<string> = new Set();

  constructor(options: RoundsOptions) {
    this.options = options;
  }

  /** Runs until the process ends. */
  async run(): Promise<never> {
    for (;;) {
      await delay(this.options.everyMs, undefined, { ref: false });
      await this.go();
    }
  }

  /** One round, if it is ours to go. */
  async go(): Promise<void> {
    const { leader, log, namespaces, onCounted } = this.options;
    if (!leader.isLeader || !namespaces.isSynced) {
      this.unused = new Set();
      onCounted(NONE);
      return;
    }
    await this.tidy();
    try {
      onCounted(await this.counted());
    } catch (error) {
      log.warn({ error: kubeMessage(error) }, 'a round was not finished');
    }
  }

  private async tidy(): Promise<void> {
    const { namespaces, log } = this.options;
    const unused = new Set<string>();
    for (const name of namespaces.leftovers()) {
      try {
        await this.tidyOne(name, unused);
      } catch (error) {
        // The others go on: a policy may hold this one for long.
        log.warn({ namespace: name, error: kubeMessage(error) }, 'a namespace was not tidied');
      }
    }
    this.unused = unused;
  }

  private async tidyOne(name: string, unused: Set<string>): Promise<void> {
    const { kube, namespaces, log } = this.options;
    const made = namespaces.made(name);
    const isUsed = await isInUse(kube.core, name);
    const wasUnused = this.unused.has(name);
    const upkeep = decideUpkeep({ isWanted: false, isInUse: isUsed, wasUnused, ...made });
    if (!isUsed) unused.add(name);
    if (upkeep.action === 'ensure') namespaces.look(name);
    if (upkeep.action !== 'unbind' && upkeep.action !== 'remove') return;
    const changes = await namespaces.retire(name, upkeep.action);
    log.info({ namespace: name, changes, reason: upkeep.reason }, 'namespace tidied');
  }

  /** In labelled namespaces, and of pods with a label of their own. */
  private async counted(): Promise<CountedPods> {
    const { kube, namespaces } = this.options;
    const enabled = namespaces.enabled();
    const none = (): Map<string, number> => new Map(enabled.map((name) => [name, 0]));
    const [uninjected, outdated] = [none(), none()];
    const count = (counts: Map<string, number>, namespace: string): void =>
      void counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
    const note = (namespace: string, pod: V1Pod): void => {
      if (this.isOutdated(pod)) count(outdated, namespace);
      const account = accountOfAgent(pod);
      if (account !== undefined && !namespaces.isBound(namespace, account)) {
        namespaces.look(namespace);
      }
      if (!this.lacksAgent(namespace, pod, enabled.includes(namespace))) return;
      count(uninjected, namespace);
      this.tell(namespace, pod);
    };
    for (const namespace of enabled) {
      for await (const pod of livingPods(kube.core, { namespace })) note(namespace, pod);
    }
    for await (const pod of livingPods(kube.core, { labelSelector: `${INJECT_LABEL}=enabled` })) {
      const namespace = pod.metadata?.namespace ?? '';
      if (!enabled.includes(namespace)) note(namespace, pod);
    }
    return { uninjected, outdated };
  }

  private isOutdated({ metadata, spec }: V1Pod): boolean {
    // One that is written by hand is not ours to renew.
    if (metadata?.annotations?.[STATUS_ANNOTATION] === undefined) return false;
    const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
    const agent = containers.find(({ name }) => name === AGENT_CONTAINER);
    return agent !== undefined && agent.image !== this.options.core().agentImage;
  }

  /** Whether the webhook would inject it if it came now, or refuse it; one that ends is replaced anyway. */
  private lacksAgent(name: string, pod: V1Pod, isEnabled: boolean): boolean {
    if (pod.metadata?.deletionTimestamp !== undefined) return false;
    const facts = { name, isEnabled, isReady: true };
    return decide(pod as Pod, facts, this.options.core()).kind !== 'skip';
  }

  private tell(namespace: string, pod: V1Pod): void {
    const { name = '', uid = '' } = pod.metadata ?? {};
    const { events } = this.options;
    const why = [reason('uninjected', { pod: name })];
    if (controllerOf(pod as Pod) !== undefined)
      return events.tell(namespace, pod as Pod, why, 'Skip');
    events.tellAbout(namespace, { apiVersion: 'v1', kind: 'Pod', name, uid }, why, 'Skip');
  }
}
