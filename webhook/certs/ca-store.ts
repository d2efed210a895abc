// The authority in its Secret: made by whoever is first, read by everybody else. The Secret's
// resourceVersion decides a race; the loser reads what the winner wrote.

import type { CoreV1Api, V1Secret } from '@kubernetes/client-node';
import { OrchestratorError } from '../../src/errors.ts';
import { MANAGER } from '../../src/names.ts';
import { isStatus } from '../kube.ts';
import { createAuthority, isDue, type KeyedCertificate, validityOf } from './authority.ts';
import { certificatesOf, isLiving, joined } from './pem.ts';

export type Authority = {
  readonly current: KeyedCertificate;
  /**
   * Current and former certificates: leaves of both are trusted. It says what the Secret says and nothing
   * by the clock: replicas of two minds would write it against each other for ever.
   */
  readonly bundlePem: string;
};

export type CaStoreOptions = {
  readonly namespace: string;
  readonly name: string;
  readonly lifetimeMs: number;
};

const ATTEMPTS_MAX = 10;
const encode = (text: string): string => Buffer.from(text).toString('base64');
const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString();

export class CaStore {
  private readonly api: CoreV1Api;
  private readonly options: CaStoreOptions;
  /** What was last seen: a deleted Secret must not untrust the leaves that serve. */
  private lastSeen: Stored | undefined;

  constructor(api: CoreV1Api, options: CaStoreOptions) {
    this.api = api;
    this.options = options;
  }

  /** The authority to sign with now; makes or renews it where that is due. */
  async obtain(nowMs: number): Promise<Authority> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const secret = await this.read();
      const stored = secret === undefined ? undefined : parse(secret);
      if (stored !== undefined && !isDue(stored.current.certPem, nowMs)) {
        this.lastSeen = stored;
        return toAuthority(stored);
      }
      await this.write(secret, stored ?? this.lastSeen, nowMs);
    }
    throw new OrchestratorError(
      'RO_CERTIFICATE',
      `Secret ${this.options.namespace}/${this.options.name}: changed ${ATTEMPTS_MAX} times while it was renewed`,
    );
  }

  private async read(): Promise<V1Secret | undefined> {
    const { namespace, name } = this.options;
    try {
      return await this.api.readNamespacedSecret({ namespace, name });
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  /** A lost race is no error: the next round reads the winner's. */
  private async write(
    secret: V1Secret | undefined,
    stored: Stored | undefined,
    nowMs: number,
  ): Promise<void> {
    const { namespace, name, lifetimeMs } = this.options;
    const fresh = await createAuthority(nowMs, lifetimeMs);
    const data = {
      'ca.crt': encode(fresh.certPem),
      'ca.key': encode(fresh.keyPem),
      'previous.crt': encode(stored === undefined ? '' : livingPart(stored, nowMs)),
    };
    const metadata = {
      name,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': MANAGER },
      ...(secret?.metadata?.resourceVersion === undefined
        ? {}
        : { resourceVersion: secret.metadata.resourceVersion }),
    };
    const body: V1Secret = { metadata, type: 'Opaque', data };
    try {
      if (secret === undefined) await this.api.createNamespacedSecret({ namespace, body });
      else await this.api.replaceNamespacedSecret({ namespace, name, body });
    } catch (error) {
      if (!isStatus(error, 409) && !isStatus(error, 404)) throw error;
    }
  }
}

type Stored = { readonly current: KeyedCertificate; readonly previousPem: string };

/** Undefined for a Secret that somebody emptied or damaged: it is made anew. */
function parse(secret: V1Secret): Stored | undefined {
  const certPem = decode(secret.data?.['ca.crt']);
  const keyPem = decode(secret.data?.['ca.key']);
  try {
    validityOf(certPem);
  } catch {
    return undefined;
  }
  if (!keyPem.includes('PRIVATE KEY')) return undefined;
  return { current: { certPem, keyPem }, previousPem: decode(secret.data?.['previous.crt']) };
}

/** Certificates of the stored authority that may still have living leaves. */
function livingPart(stored: Stored, nowMs: number): string {
  return joined(allOf(stored).filter((pem) => isLiving(pem, nowMs)));
}

function toAuthority(stored: Stored): Authority {
  return { current: stored.current, bundlePem: joined(allOf(stored)) };
}

function allOf({ current, previousPem }: Stored): readonly string[] {
  return [...certificatesOf(current.certPem), ...certificatesOf(previousPem)];
}
