// What an injection consists of; patch.ts turns it into operations.

import type { BootFence } from './boot-fence.ts';
import type { Container, Volume } from './pod.ts';
import type { Reason } from './reasons.ts';

/** Of the agent, for the preStop hook of the Redis container. */
export const PRESTOP_PATH = '/prestop';

/** What the decision needs to know of the installation. Plain data, fixed per request. */
export type CoreConfig = {
  readonly agentImage: string;
  readonly imagePullPolicy: string;
  readonly nativeSidecar: boolean;
  /** Alternatives of `label=value`: pods that count as Redis although no container is recognised. */
  readonly selector: readonly (readonly [string, string])[];
  readonly excludedNamespaces: ReadonlySet<string>;
  readonly ownNamespace: string;
  readonly version: string;
  readonly resources: {
    readonly cpuRequest: string;
    readonly cpuLimit: string;
    readonly memoryRequest: string;
    readonly memoryLimit: string;
  };
};

export type NamespaceFacts = {
  readonly name: string;
  /** The namespace's own label says `enabled`. */
  readonly isEnabled: boolean;
  /** Service account, Role and RoleBinding are there. */
  readonly isReady: boolean;
  /** Why not, where that is known. */
  readonly problem?: string | undefined;
};

export type Plan = {
  readonly containerIndex: number;
  readonly containerName: string;
  readonly group: string;
  readonly bootFence: BootFence;
  readonly native: boolean;
  readonly agent: Container;
  readonly volumes: readonly Volume[];
  readonly preStop: Record<string, unknown> | undefined;
  /** Set where the pod had the namespace's default account. */
  readonly serviceAccount: string | undefined;
  readonly stripToken: boolean;
  readonly graceSeconds: number | undefined;
  /** JSON of the status annotation. */
  readonly status: string;
};

export type Decision =
  | { readonly kind: 'skip'; readonly reason: Reason; readonly warnings: readonly Reason[] }
  | { readonly kind: 'deny'; readonly reasons: readonly Reason[] }
  | { readonly kind: 'inject'; readonly plan: Plan; readonly warnings: readonly Reason[] };
