// The password and the certificates of Redis change while clients write (scenarios 51, 52). The order of
// a rotation is that of docs/rotation.md.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import t, { type Test } from 'tap';
import {
  type Authority,
  createAuthority,
  issueCertificate,
  type TlsFiles,
  writeTlsFiles,
} from '../harness/certificates.ts';
import { declarations } from '../harness/declare.ts';
import { REDIS_PORT } from '../harness/free-ports.ts';
import type { Group } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { redisCommand } from '../harness/redis-client.ts';
import { replaceReady } from '../harness/replace.ts';
import { openStage, type Scenario, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);
const OLD = 'the-first-one';
const NEW = 'the-second-one';
let folders = 0;

const folder = (): string => stage.workspace.folder(`secret-${++folders}`);

async function onAll(group: Group, ...command: readonly [string, ...string[]]): Promise<void> {
  for (const pod of group.pods) await redisCommand(pod.ip, group.access, ...command);
}

/** The agent must connect again, and so must everybody else. */
async function cutClients(pod: Pod): Promise<void> {
  await redisCommand(pod.ip, pod.access, 'CLIENT', 'KILL', 'TYPE', 'normal');
}

/** A Secret: a file that Redis reads when it starts, and one that the agent reads at each connection. */
class Secret {
  readonly passwordFile: string;
  private readonly configFile: string;

  constructor(password: string) {
    const mounted = folder();
    this.passwordFile = join(mounted, 'password');
    this.configFile = join(mounted, 'redis.conf');
    this.write(password);
  }

  write(password: string): void {
    writeFileSync(this.passwordFile, `${password}\n`);
    writeFileSync(this.configFile, `requirepass ${password}\nmasterauth ${password}\n`);
  }

  get redisArgs(): string[] {
    return ['--include', this.configFile];
  }
}

/** A group with the first password, which its agents read from a file. */
async function startWithSecret(t: Test) {
  const secret = new Secret(OLD);
  const clients = { password: OLD };
  const started = await startScenario(t, stage, {
    redisArgs: secret.redisArgs,
    clients,
    agentEnv: { RO_REDIS_PASSWORD_FILE: secret.passwordFile },
  });
  return { ...started, secret, clients };
}

/** Kills the master's Redis: another one leads, and all follow it; `restarted`: what a person does. */
async function failover(
  scenario: Scenario,
  what: string,
  master: Pod,
  restarted?: () => Promise<void>,
): Promise<Pod> {
  await scenario.busy();
  const mark = performance.now();
  master.redis.signal('SIGKILL');
  await scenario.recovery(what, mark, 20_000, master);
  await restarted?.();
  return await oneMaster(scenario.group, { not: master, timeoutMs: 30_000 });
}

async function problemOf(pod: Pod): Promise<string | undefined> {
  return (await pod.state()).problem ?? undefined;
}

/** Its agent is let in: it tells what it sees. */
async function isSeen(pod: Pod): Promise<void> {
  const seen = async (): Promise<boolean> => (await pod.state()).instance !== null;
  await waitFor(`${pod.name}'s agent is let in`, seen, { timeoutMs: 5000 });
}

/** Longer than a silent Redis would be borne, and than the wait of the Lease. */
async function noFailover(t: Test, scenario: Scenario, master: Pod): Promise<void> {
  await holdsFor(6000, async () => {
    const lease = await scenario.group.lease();
    if (lease?.podName !== master.name) throw new Error(`${lease?.podName} holds the Lease`);
  });
  t.pass('for 6 s the role stays');
  await scenario.busy();
}

await declare(
  [51],
  'a password is rotated in the documented order, with a failover in its midst and one after it',
  async (t) => {
    const { secret, clients, scenario, group, master } = await startWithSecret(t);
    const began = performance.now();
    await onAll(group, 'ACL', 'SETUSER', 'default', `>${NEW}`);
    await onAll(group, 'CONFIG', 'SET', 'masterauth', NEW);
    secret.write(NEW);
    const second = await failover(scenario, 'killed in the midst', master, async () => {
      // It started with the new password alone, and some clients do not have it yet.
      const allow = async (): Promise<unknown> =>
        await redisCommand(master.ip, { password: NEW }, 'ACL', 'SETUSER', 'default', `>${OLD}`);
      await waitFor('it takes both', allow, { timeoutMs: 10_000 });
    });
    clients.password = NEW;
    // Not CONFIG SET requirepass: where that is set already it changes nothing, and the old one stays.
    await onAll(group, 'ACL', 'SETUSER', 'default', 'resetpass', `>${NEW}`);
    for (const pod of group.pods) {
      await t.rejects(redisCommand(pod.ip, { password: OLD }, 'PING'), `${pod.name}: no more`);
      await cutClients(pod);
    }
    const third = await failover(scenario, 'killed afterwards', second);
    for (const pod of group.pods) {
      await isSeen(pod);
      t.notMatch(pod.logTail(10_000), new RegExp(`${OLD}|${NEW}`), 'and logs no password');
    }
    await scenario.end(third, { mayLoseAfterMs: began - UNREPLICATED_MS });
  },
);

await declare(
  [51],
  'a password in an environment variable is rotated by a rolling restart, in the documented order',
  async (t) => {
    const secret = new Secret(OLD);
    const clients = { password: OLD };
    const agentEnv = { REDIS_PASSWORD: OLD };
    const options = { redisArgs: secret.redisArgs, clients, agentEnv };
    const { scenario, group } = await startScenario(t, stage, options);
    await onAll(group, 'ACL', 'SETUSER', 'default', `>${NEW}`);
    await onAll(group, 'CONFIG', 'SET', 'masterauth', NEW);
    secret.write(NEW);
    agentEnv.REDIS_PASSWORD = NEW;
    clients.password = NEW;
    const mark = performance.now();
    for (const pod of group.pods.toReversed()) {
      await pod.delete();
      await replaceReady(group, pod);
    }
    const last = await oneMaster(group);
    t.comment(`longest pause ${scenario.writer.largestGapMs(mark).toFixed(0)} ms`);
    for (const pod of group.pods) {
      await t.rejects(redisCommand(pod.ip, { password: OLD }, 'PING'), `${pod.name}: no more`);
    }
    await scenario.end(last);
  },
);

await declare(
  [51],
  'a password changes in Redis before the agents know it: no failover, it is said plainly',
  async (t) => {
    const { secret, clients, scenario, group, master } = await startWithSecret(t);
    await onAll(group, 'CONFIG', 'SET', 'requirepass', NEW);
    clients.password = NEW;
    await cutClients(master);
    const told = async (): Promise<boolean> =>
      /RO_REDIS_AUTH: .*WRONGPASS/.test((await problemOf(master)) ?? '');
    await waitFor('its /state names the problem', told, { timeoutMs: 5000 });
    await noFailover(t, scenario, master);
    secret.write(NEW);
    for (const pod of group.pods) await cutClients(pod);
    await isSeen(master);
    await oneMaster(group);
    await scenario.unchanged(master);
    await scenario.end(master);
  },
);

/** The master's agent goes while it holds a password that Redis has not any more. */
async function lockedOut(t: Test, stays: 'away' | 'back'): Promise<void> {
  const { secret, clients, scenario, group, master } = await startWithSecret(t);
  await onAll(group, 'CONFIG', 'SET', 'requirepass', NEW);
  clients.password = NEW;
  if (stays === 'away') master.agent.hold();
  master.agent.signal('SIGKILL');
  const problems = async () =>
    (await Promise.all(group.others(master).map(problemOf))).join() +
    (stays === 'back' ? await problemOf(master).catch(() => '') : '');
  const told = async () => /RO_REDIS_AUTH/.test(await problems());
  await waitFor('somebody says what is wrong', told, { timeoutMs: 20_000, picture: problems });
  await holdsFor(4000, async () => {
    for (const pod of group.others(master)) {
      const { role } = await pod.replication();
      if (role === 'master') throw new Error(`${pod.name} was promoted beside a living master`);
    }
  });
  secret.write(NEW);
  master.agent.release();
  const after = await oneMaster(group, { timeoutMs: 30_000 });
  await scenario.end(after);
}

await declare(
  [51],
  'the agent of a locked-out master restarts: nobody leads beside it, nothing is lost',
  async (t) => await lockedOut(t, 'back'),
);

await declare(
  [51],
  'the agent of a locked-out master stays away: nobody leads beside it, nothing is lost',
  async (t) => await lockedOut(t, 'away'),
);

const NAMES = { dns: ['redis', 'localhost'], ips: ['127.0.0.1'] };

async function issued(authority: Authority, notAfter?: Date) {
  return await issueCertificate(authority, 'redis', NAMES, notAfter);
}

/** What a Redis shows to who connects now. */
async function fingerprint(pod: Pod): Promise<string> {
  return await new Promise((resolve, reject) => {
    const options = { host: pod.ip, port: REDIS_PORT, rejectUnauthorized: false };
    const socket = connect(options, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** Redis reads its files again when it is told their names again. */
async function reload(group: Group, tls: TlsFiles): Promise<void> {
  await onAll(group, 'CONFIG', 'SET', 'tls-ca-cert-file', tls.ca);
  await onAll(group, 'CONFIG', 'SET', 'tls-cert-file', tls.cert);
}

/** Another certificate for one Redis alone. */
async function showCertificate(pod: Pod, files: TlsFiles): Promise<void> {
  const names = ['tls-cert-file', files.cert, 'tls-key-file', files.key];
  await redisCommand(pod.ip, pod.access, 'CONFIG', 'SET', ...names);
}

await declare(
  [52],
  'certificates and their authority are rotated in the documented order: no restart, failover works',
  async (t) => {
    const mounted = folder();
    const [first, second] = [await createAuthority('first-ca'), await createAuthority('second-ca')];
    const tls = writeTlsFiles(mounted, first, await issued(first));
    const { scenario, group, master } = await startScenario(t, stage, {
      tls,
      redisArgs: ['--tls-auth-clients', 'yes'],
      clients: { tls: true, tlsClient: tls },
      agentEnv: { RO_REDIS_TLS_CERT: tls.cert, RO_REDIS_TLS_KEY: tls.key },
    });
    const began = performance.now();
    const before = await fingerprint(master);
    writeFileSync(tls.ca, `${first.certPem}${second.certPem}`);
    await reload(group, tls);
    const next = await issued(second);
    writeFileSync(tls.cert, next.certPem);
    writeFileSync(tls.key, next.keyPem);
    await reload(group, tls);
    for (const pod of group.pods) t.not(await fingerprint(pod), before, `${pod.name} shows it`);
    t.ok(scenario.writer.largestGapMs(began) < 500, 'no pause');
    const successor = await failover(scenario, 'killed in the midst', master);
    writeFileSync(tls.ca, second.certPem);
    await reload(group, tls);
    for (const pod of group.pods) await cutClients(pod);
    const last = await failover(scenario, 'killed afterwards', successor);
    for (const pod of group.pods) await isSeen(pod);
    await scenario.end(last, { mayLoseAfterMs: began - UNREPLICATED_MS });
  },
);

/** The master's Redis shows a certificate that its agent rejects, until it shows the right one again. */
async function bearsRejection(t: Test, wrong: 'expired' | 'stranger', says: RegExp): Promise<void> {
  const authority = await createAuthority('redis-ca');
  const tls = writeTlsFiles(folder(), authority, await issued(authority));
  const issuer = wrong === 'expired' ? authority : await createAuthority('stranger-ca');
  const notAfter = wrong === 'expired' ? new Date(Date.now() - 1000) : undefined;
  const bad = writeTlsFiles(folder(), issuer, await issued(issuer, notAfter));
  const { scenario, group, master } = await startScenario(t, stage, { tls });
  await showCertificate(master, bad);
  await cutClients(master);
  const told = async (): Promise<boolean> => says.test((await problemOf(master)) ?? '');
  await waitFor('its /state names the problem', told, {
    timeoutMs: 5000,
    picture: async () => `${await problemOf(master)}\n${master.logTail()}`,
  });
  await noFailover(t, scenario, master);
  await showCertificate(master, tls);
  await isSeen(master);
  await oneMaster(group);
  await scenario.unchanged(master);
  await scenario.end(master);
}

await declare(
  [52],
  "the master's certificate has expired: no failover, the error is named, hot reload mends it",
  async (t) => {
    await bearsRejection(t, 'expired', /certificate has expired/);
  },
);

await declare(
  [52],
  "the master's certificate is of an unknown authority: no failover, the error is named",
  async (t) => {
    await bearsRejection(t, 'stranger', /unable to verify|self-signed|local issuer/);
  },
);

await declare(
  [52],
  'certificates without the expected name: nobody is let in by a wrong name, and it is said',
  async (t) => {
    const authority = await createAuthority('redis-ca');
    const tls = writeTlsFiles(folder(), authority, await issued(authority));
    const { scenario, group, master } = await startScenario(t, stage, {
      tls,
      agentEnv: { RO_REDIS_TLS_SERVER_NAME: 'redis' },
    });
    const misnamed = await issueCertificate(authority, 'other', { dns: ['other'] });
    const [replica] = group.others(master) as [Pod, Pod];
    await showCertificate(replica, writeTlsFiles(folder(), authority, misnamed));
    await cutClients(replica);
    const says = /Hostname\/IP does not match certificate's altnames/;
    const told = (): boolean => says.test(replica.logTail(10_000));
    await waitFor("the replica's agent names it", told, {
      timeoutMs: 5000,
      picture: async () => `${await problemOf(replica)}\n${replica.logTail()}`,
    });
    await noFailover(t, scenario, master);
    await showCertificate(replica, tls);
    await oneMaster(group);
    await scenario.unchanged(master);
    await scenario.end(master);
  },
);
