// What the name of a container image tells: family, product and, for Redis, the version.

type ImageFamily =
  /** docker.io/redis, docker.io/valkey and what is named like them: entrypoint prefixes the server. */
  | 'official'
  /** Configured by REDIS_PASSWORD, REDIS_PORT_NUMBER …; arguments would replace its run script. */
  | 'bitnami'
  /** No entrypoint for arguments: configured by REDIS_ARGS. */
  | 'stack'
  /** A server, but nothing is known of its entrypoint. */
  | 'custom'
  /** No server of Redis's kind. */
  | 'none';

export type Image = {
  readonly name: string;
  readonly tag: string;
  readonly family: ImageFamily;
  readonly product: 'redis' | 'valkey' | 'keydb';
  readonly isSentinel: boolean;
  readonly isCluster: boolean;
};

const NO_SERVER =
  /exporter|sentinel|commander|insight|proxy|predixy|envoy|browser|operator|tools?$|cli$|benchmark|web|[-_]ui$|admin|shake|backup|sidecar|agent|orchestrator|metrics|dump|connect/;

/** Registry with port, tag and digest stripped: `host:5000/team/redis:7@sha256:…` is `redis`. */
export function readImage(reference: string | undefined, hints: readonly string[] = []): Image {
  const plain = (reference ?? '').split('@')[0] ?? '';
  const slash = plain.lastIndexOf('/');
  const [name = '', tag = ''] = plain.slice(slash + 1).split(':');
  const path = plain.slice(0, slash + 1);
  const product = name.startsWith('valkey')
    ? 'valkey'
    : name.startsWith('keydb')
      ? 'keydb'
      : 'redis';
  const isServer = /^(redis|valkey|keydb)([-_]|$)/.test(name) && !NO_SERVER.test(name);
  const family = isServer ? serverFamily(name, tag, path, hints) : 'none';
  return {
    name,
    tag,
    family,
    product,
    isSentinel: /sentinel/.test(name),
    isCluster: /^(redis|valkey)-cluster/.test(name),
  };
}

function serverFamily(
  name: string,
  tag: string,
  path: string,
  hints: readonly string[],
): ImageFamily {
  // Of a mirrored image only its tag tells: 7.2.4-debian-12-r9.
  if (/-debian-\d+(-r\d+)?$/.test(tag)) return 'bitnami';
  if (/(^|\/)bitnami\w*\//.test(path) || hints.some((hint) => /\/(opt\/)?bitnami\//.test(hint))) {
    return 'bitnami';
  }
  if (name.startsWith('redis-stack')) return 'stack';
  return name === 'redis' || name === 'valkey' ? 'official' : 'custom';
}

/** True for a tag like `5.0.14-alpine`; a tag without a version proves nothing. */
export function isTooOld(image: Image): boolean {
  if (image.name !== 'redis') return false;
  const match = /^v?(\d+)(\.\d+)*([-.]|$)/.exec(image.tag);
  return match !== null && Number(match[1]) < 6;
}
