// The ways in which people run Redis, as options of a test's group: who may log in, over what, and what
// is kept on disk.

import type { Setting } from '../matrix.ts';
import type { TlsFiles } from './certificates.ts';
import type { GroupOptions } from './group.ts';
import type { RedisAccess } from './redis-client.ts';

/** Without double quotes: Valkey 8.1 takes none on its command line ("Unbalanced quotes"). */
const PASSWORD = 'correct horse battery $staple';

const AGENT = { user: 'orchestrator', password: 'the-agents-own' } as const;
const CLIENT = { user: 'shop', password: 'the-clients-own' } as const;

/** No more than the agent and the replicas that log in by its user need (README, errors). */
const AGENT_RIGHTS =
  '+ping +info +config|get +config|set +replicaof +multi +exec +client|kill +psync +replconf';

/** Words of the command line: Redis 6 takes no directive as one. */
function userFlags(user: string, rule: string): string[] {
  return ['--user', user, ...rule.split(' ')];
}

function aclUsers(): GroupOptions {
  return {
    redisArgs: [
      userFlags('default', 'off'),
      userFlags(AGENT.user, `on >${AGENT.password} ${AGENT_RIGHTS}`),
      userFlags(CLIENT.user, `on >${CLIENT.password} ~* +@all`),
    ].flat(),
    clients: CLIENT,
    agentEnv: { RO_REDIS_USER: AGENT.user, REDIS_PASSWORD: AGENT.password },
  };
}

function mutualTls(tls: TlsFiles): GroupOptions {
  return {
    tls,
    redisArgs: ['--tls-auth-clients', 'yes'],
    clients: { tls: true, tlsClient: tls },
    agentEnv: { RO_REDIS_TLS_CERT: tls.cert, RO_REDIS_TLS_KEY: tls.key },
  };
}

/** `tls`: the files of servers and clients alike. */
export function groupWith(setting: Setting, tls: TlsFiles): GroupOptions {
  switch (setting) {
    case 'plain':
      return {};
    case 'password':
      return { password: PASSWORD };
    case 'ACL user':
      return aclUsers();
    case 'TLS':
      return { tls };
    case 'mTLS':
      return mutualTls(tls);
    case 'AOF':
      return { persistence: 'aof' };
    case 'no persistence':
      return { persistence: 'none' };
  }
}

/** Who is not to get in, where the setting keeps anybody out. */
export function strangerTo(setting: Setting): RedisAccess | undefined {
  if (setting === 'password' || setting === 'ACL user' || setting === 'TLS') return {};
  return setting === 'mTLS' ? { tls: true } : undefined;
}
