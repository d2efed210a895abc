// Every error that a person can meet: a stable code, what happened, and what to do about it.

export const ERROR_REMEDIES = {
  RO_CONFIG_INVALID: 'Correct the named flag or environment variable; --help lists them all.',
  RO_KUBE_CONFIG:
    'Run inside a cluster with a service account, or set KUBECONFIG to a usable file.',
  RO_KUBE_DENIED: 'Bind the Role redis-orchestrator-agent to the service account of the pod.',
  RO_KUBE_REQUEST: 'Check that the API server is reachable from this pod; the request is retried.',
  RO_REDIS_UNREACHABLE: 'Check --redis-host, --redis-port and that Redis listens there.',
  RO_REDIS_AUTH: 'Check REDIS_PASSWORD, --redis-user and the ACL of the Redis instance.',
  RO_REDIS_COMMAND_DENIED:
    'Allow INFO, CONFIG, REPLICAOF, MULTI, EXEC and CLIENT KILL for the agent.',
  RO_REDIS_HIDDEN:
    'Let other pods reach Redis: no bind to loopback alone; a password, or protected-mode no.',
  RO_REDIS_UNWRITABLE:
    'Give the disk of Redis room (its log tells why it could not save); writes go on by themselves.',
  RO_REDIS_NOT_MANAGEABLE: 'See the reason: the instance is left as it is until it is corrected.',
  RO_DATA_CONFLICT:
    'A person decides: docs/adopt.md tells how, by discard-data or adopt-from on the pod.',
  RO_UNCONFIRMED:
    'Bring the named members back, or give their writes up: force=TERM on the Lease of the group.',
  RO_FENCE_LATE:
    'Redis did not stop in time: it hangs (it stops as soon as it goes on; or delete its pod), is overloaded, or refuses commands of its agent.',
  RO_ISOLATED: 'Bring a replica back in sync; a master with --isolation needs one for each write.',
  RO_REQUEST_INVALID: 'Correct the named field of the request annotation, and give it a new id.',
  RO_KILL_UNAVAILABLE:
    'For --kill-frozen set shareProcessNamespace in the pod, and run the agent as the user of Redis.',
  RO_CERTIFICATE: 'Check the certificate files or delete the certificate Secret to have it remade.',
} as const;

export type ErrorCode = keyof typeof ERROR_REMEDIES;

/** An expected failure with a stable code; `remedy` is the sentence that tells what to do. */
export class OrchestratorError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; remedy?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'OrchestratorError';
    this.code = code;
    this.remedy = options.remedy ?? ERROR_REMEDIES[code];
  }
}

/** The message of anything that was thrown, without its stack. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown instanceof AggregateError && thrown.message === '') {
    return thrown.errors.map(messageOf).join('; ');
  }
  return thrown.message;
}
