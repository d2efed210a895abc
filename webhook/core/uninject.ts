// Takes an injection back. Pure: from the injected pod and its status annotation to the pod that it was.
// Only what is ours goes; what others put there since then stays.

import {
  AGENT_CONTAINER,
  AGENT_SERVICE_ACCOUNT,
  GROUP_LABEL,
  STATUS_ANNOTATION,
} from '../../src/names.ts';
import type { Fields } from '../../src/json.ts';
import { type Before, fullMount, fullVolume, type Slot } from './before.ts';
import { FENCE_WORDS } from './boot-fence.ts';
import { imageOf, readCommand } from './command.ts';
import { PRESTOP_PATH } from './plan.ts';
import {
  type Container,
  DEFAULT_CONTAINER_ANNOTATION,
  type EnvVar,
  list,
  type Pod,
} from './pod.ts';
import { type Reason, reason } from './reasons.ts';
import { removeFromShell } from './shell.ts';
import { readStatus, type Status } from './status.ts';

export type Uninjected =
  | { readonly kind: 'restored'; readonly pod: Pod; readonly warnings: readonly Reason[] }
  | { readonly kind: 'left'; readonly reason: Reason };

/** Those that boot-fence.ts appends to. */
const FENCE_VARIABLE = /^(REDIS|VALKEY)_EXTRA_FLAGS$|^REDIS_ARGS$/;

export function uninject(injected: Pod): Uninjected {
  const containers = [...list(injected.spec?.containers), ...list(injected.spec?.initContainers)];
  if (!containers.some(({ name }) => name === AGENT_CONTAINER)) {
    return { kind: 'left', reason: reason('not-injected') };
  }
  const text = injected.metadata?.annotations?.[STATUS_ANNOTATION];
  if (text === undefined) return { kind: 'left', reason: reason('hand-written') };
  const status = readStatus(text);
  if (status === undefined) return { kind: 'left', reason: reason('status-unreadable') };
  const pod = structuredClone(injected);
  const restoring = new Restoring(status.before ?? guessed(pod, status));
  restoring.spec(pod, status);
  restoring.metadata(pod);
  return {
    kind: 'restored',
    pod,
    warnings: [
      ...(status.before === undefined ? [reason('status-too-old')] : []),
      ...restoring.warnings,
    ],
  };
}

/** For a status that does not tell: what plain pods have. Values that were raised are left as they are. */
function guessed(pod: Pod, status: Status): Before {
  const isOurs = pod.spec?.serviceAccountName === AGENT_SERVICE_ACCOUNT;
  const container = list(pod.spec?.containers).find(({ name }) => name === status.container);
  const preStop = container?.lifecycle?.preStop?.['httpGet'] as { path?: string } | undefined;
  const hook: Slot[] = preStop?.path === PRESTOP_PATH ? ['lifecycle', 'preStop'] : [];
  const account: Slot[] = isOurs ? ['serviceAccountName', 'automountServiceAccountToken'] : [];
  // Without a command the arguments begin with the server's name where they are all ours.
  const isFirst = container?.args?.[1] === FENCE_WORDS[0] && list(container.command).length === 0;
  const args: Slot[] = isFirst ? ['args'] : [];
  const pieces: Slot[] = ['group', 'default-container', 'labels', 'annotations', 'volumes'];
  return { absent: [...pieces, 'initContainers', ...hook, ...account, ...args] };
}

class Restoring {
  readonly warnings: Reason[] = [];
  readonly #before: Before;

  constructor(before: Before) {
    this.#before = before;
  }

  /** A field that was set: as it was, or gone again. */
  #reset(holder: Fields, slot: Slot, key: string): void {
    const was = this.#before.was ?? {};
    if (Object.hasOwn(was, slot)) holder[key] = was[slot];
    else if (this.#before.absent.includes(slot)) delete holder[key];
  }

  /** A list or map that got more, which is gone by now: the same where nothing else is left in it. */
  #resetEmpty(holder: Fields, slot: Slot, key: string): void {
    const value = holder[key];
    const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
    if (isEmpty) this.#reset(holder, slot, key);
  }

  #isNoted(slot: Slot): boolean {
    const { absent, was = {} } = this.#before;
    return absent.includes(slot) || Object.hasOwn(was, slot);
  }

  metadata(pod: Pod): void {
    const metadata = (pod.metadata ?? {}) as Fields;
    const labels = (metadata['labels'] ?? {}) as Fields;
    this.#reset(labels, 'group', GROUP_LABEL);
    this.#resetEmpty(metadata, 'labels', 'labels');
    const annotations = (metadata['annotations'] ?? {}) as Fields;
    if (this.#isNoted('status')) this.#reset(annotations, 'status', STATUS_ANNOTATION);
    else delete annotations[STATUS_ANNOTATION];
    this.#reset(annotations, 'default-container', DEFAULT_CONTAINER_ANNOTATION);
    this.#resetEmpty(metadata, 'annotations', 'annotations');
    this.#resetEmpty(pod as Fields, 'metadata', 'metadata');
  }

  spec(pod: Pod, status: Status): void {
    const spec = (pod.spec ?? {}) as NonNullable<Pod['spec']>;
    const fields = spec as Fields;
    for (const key of ['containers', 'initContainers'] as const) {
      if (!Array.isArray(spec[key])) continue;
      spec[key] = spec[key].filter(({ name }) => name !== AGENT_CONTAINER);
    }
    const container = list(spec.containers).find(({ name }) => name === status.container);
    if (container !== undefined) this.#container(container, status);
    const added = new Set(status.volumes);
    if (Array.isArray(spec.volumes)) {
      spec.volumes = spec.volumes.filter(({ name }) => !added.has(name));
    }
    this.#token(spec);
    this.#resetEmpty(fields, 'volumes', 'volumes');
    this.#resetEmpty(fields, 'initContainers', 'initContainers');
    this.#account(fields);
    this.#reset(fields, 'automountServiceAccountToken', 'automountServiceAccountToken');
    this.#reset(fields, 'terminationGracePeriodSeconds', 'terminationGracePeriodSeconds');
  }

  #account(fields: Fields): void {
    if (!this.#isNoted('serviceAccountName')) return;
    this.#reset(fields, 'serviceAccountName', 'serviceAccountName');
    // The API server made the older field follow the newer one.
    const isFollower = fields['serviceAccount'] === AGENT_SERVICE_ACCOUNT;
    if (!isFollower || this.#isNoted('serviceAccount')) return;
    this.#reset(fields, 'serviceAccountName', 'serviceAccount');
  }

  #token(spec: NonNullable<Pod['spec']>): void {
    const { volumes = [], mounts = [] } = this.#before;
    // The API server stores no empty lists: where the token was alone, there is none any more.
    const insert = (holder: unknown, key: string, at: number, item: unknown): void => {
      if (typeof holder !== 'object' || holder === null) return;
      const items: unknown = (holder as Fields)[key] ?? [];
      if (Array.isArray(items)) (holder as Fields)[key] = items.toSpliced(at, 0, item);
    };
    for (const [at, volume] of volumes) insert(spec, 'volumes', at, fullVolume(volume));
    for (const [key, index, at, mount] of mounts) {
      insert(spec[key]?.[index], 'volumeMounts', at, fullMount(mount));
    }
  }

  #container(container: Container, status: Status): void {
    const fields = container as Fields;
    switch (status.bootFence) {
      case 'arguments':
        this.#arguments(container);
        break;
      case 'arguments-and-variable':
        this.#arguments(container);
        this.#variable(container, /^VALKEY_EXTRA_FLAGS$/);
        break;
      case 'shell':
        this.#shell(container);
        break;
      case 'variable':
        this.#variable(container, FENCE_VARIABLE);
        break;
      case 'present':
      case 'none':
        break;
    }
    if (!this.#isNoted('preStop')) return;
    const lifecycle = (fields['lifecycle'] ?? {}) as Fields;
    this.#reset(lifecycle, 'preStop', 'preStop');
    this.#resetEmpty(fields, 'lifecycle', 'lifecycle');
  }

  #lost(container: Container): void {
    this.warnings.push(reason('fence-changed', { container: container.name }));
  }

  #arguments(container: Container): void {
    const args = [...list(container.args)];
    const at = args.findLastIndex((_, index) =>
      FENCE_WORDS.every((word, offset) => args[index + offset] === word),
    );
    if (at < 0) return this.#lost(container);
    args.splice(at, FENCE_WORDS.length);
    container.args = args;
    // All of them were ours, with at most the server's name before the fence.
    const isOurs =
      args.length === 0 || (args.length === 1 && args[0]?.endsWith('-server') === true);
    if (isOurs) this.#reset(container as Fields, 'args', 'args');
  }

  #shell(container: Container): void {
    const command = readCommand(container, imageOf(container));
    if (command.kind !== 'shell') return this.#lost(container);
    const words = list(container[command.field]);
    const restored = removeFromShell(words[command.index] ?? '', FENCE_WORDS);
    if (restored === undefined) return this.#lost(container);
    container[command.field] = words.with(command.index, restored);
  }

  #variable(container: Container, names: RegExp): void {
    const words = FENCE_WORDS.join(' ');
    const env = [...list(container.env)];
    const at = env.findLastIndex(
      ({ name, value }) => names.test(name) && value?.endsWith(words) === true,
    );
    const entry = env[at];
    if (entry === undefined) return this.#lost(container);
    if (this.#isNoted('variable')) {
      env.splice(at, 1);
      container.env = env;
      this.#resetEmpty(container as Fields, 'env', 'env');
      return;
    }
    const restored: EnvVar = { ...entry, value: (entry.value ?? '').slice(0, -words.length - 1) };
    if (this.#isNoted('value')) this.#reset(restored as Fields, 'value', 'value');
    container.env = env.with(at, restored);
  }
}
