// What the live commands ask of a cluster, as an interface: each question names the right that it needs, so that
// whoever lacks it is told the verb and not a status.

export type Right = {
  readonly verb: 'get' | 'list' | 'create' | 'patch';
  readonly resource: string;
  /** Null: of all namespaces. */
  readonly namespace: string | null;
  /** Where one name is enough. */
  readonly name?: string;
  /** Of no namespace. */
  readonly isClusterWide?: boolean;
};

function rightText({ verb, resource, namespace, name, isClusterWide = false }: Right): string {
  const what = `${verb} ${resource}${name === undefined ? '' : `/${name}`}`;
  if (isClusterWide) return what;
  return `${what} ${namespace === null ? 'in all namespaces' : `in namespace ${namespace}`}`;
}

export type Question = {
  readonly right: Right;
  readonly method?: 'GET' | 'PATCH' | 'POST';
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Less than --timeout, where an answer is not worth so long a wait. */
  readonly timeoutMs?: number;
};

export type Refusal = {
  readonly ok: false;
  /** 0: there was no answer. */
  readonly status: number;
  readonly detail: string;
  /** The right that is missing, in words, or null: that is not the reason. */
  readonly missing: string | null;
};

export type Answer<T> =
  | { readonly ok: true; readonly body: T; readonly serverEpochMs: number | null }
  | Refusal;

/** A pod's agent. */
export type AgentPlace = {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
};

export type Cluster = {
  /** That of the context. */
  readonly namespace: string;
  readonly ask: <T>(question: Question) => Promise<Answer<T>>;
  /** A GET to the agent through the API server's port-forward, where its proxy is not allowed. */
  readonly forward: <T>(place: AgentPlace, path: string, timeoutMs: number) => Promise<Answer<T>>;
  readonly close: () => void;
};

/** Why it was refused, for people. */
export function refusalText({ missing, detail }: Refusal): string {
  return missing === null ? detail : `you may not ${missing}`;
}

export function isMissing(status: number, right: Right): string | null {
  return status === 403 ? rightText(right) : null;
}
