// The way back (docs/adopt.md): a managed group becomes a plain one again, under load, by the commands that
// people are told. What remains is one pod without an agent, a master, with every write that was acknowledged.

import t from 'tap';
import { INJECT_LABEL, leaseName, ROLE_LABEL } from '../../src/names.ts';
import { redisCommand } from '../harness/redis-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Writer } from '../harness/writer.ts';
import { openCluster } from './cluster.ts';
import { Group } from './group.ts';
import { applyExample, type Flavour, REDIS, VALKEY } from './manifest.ts';
import { createNamespace } from './namespace.ts';
import { record } from './records.ts';

t.setTimeout(600_000);
t.jobs = 2;
const cluster = openCluster();

async function managedGroup(namespace: string, { name, manifest, image }: Flavour): Promise<Group> {
  await applyExample(cluster, namespace, manifest, { image, withoutVolumes: false });
  const group = new Group(cluster, namespace, name);
  const master = await group.oneMaster(3);
  // From elsewhere than the pod that will remain: its role has to come to that one.
  if (master.name === `${name}-0`) {
    await group.kubectl('delete', 'pod', master.name);
    await group.oneMaster(3);
  }
  return group;
}

for (const flavour of [REDIS, VALKEY]) {
  void t.test(`${flavour.image} is given back`, { buffered: true }, async (t) => {
    const { name, image } = flavour;
    const namespace = await createNamespace(t, cluster, `uninstall-${name}`);
    const group = await managedGroup(namespace, flavour);
    let turn = 0;
    const writer = new Writer({
      access: {},
      route: () => group.addresses[turn++ % group.addresses.length],
      everyMs: 5,
      retryMs: 10,
    });
    t.teardown(async () => await writer.stop());
    const mark = performance.now();
    await writer.firstAfter(mark, 30_000);

    await group.scale(1);
    const last = await group.oneMaster(1, 120_000);
    t.equal(last.name, `${name}-0`);
    await cluster.kubectl(['label', 'namespace', namespace, `${INJECT_LABEL}-`]);
    await group.kubectl('rollout', 'restart', `statefulset/${name}`);
    await group.kubectl('rollout', 'status', `statefulset/${name}`, '--timeout=120s');
    const [plain] = await group.allReady(1);
    if (plain === undefined) throw new Error('no pod is left');
    await writer.firstAfter(performance.now(), 60_000);
    record(t, { image, what: 'uninstalled: pause', value: writer.largestGapMs(mark) });
    await writer.stop();

    t.notOk(plain.hasAgent, 'no agent is left');
    t.notOk(plain.role, 'and no label of ours');
    const role = await redisCommand(plain.ip, {}, 'ROLE');
    t.equal(Array.isArray(role) && role[0], 'master', 'its Redis is a master');
    const lost = await writer.lost(plain.ip);
    t.comment(`lost ${lost.length} of ${writer.ledger.length} acknowledged writes`);
    t.equal(lost.length, 0, 'with every write that was acknowledged on the way');

    const path = `/spec/selector/${ROLE_LABEL}`;
    const patch = JSON.stringify([{ op: 'remove', path }]);
    await group.kubectl('patch', 'service', name, '--type=json', '-p', patch);
    const address = await group.serviceAddress();
    const write = async (): Promise<boolean> =>
      (await redisCommand(address, {}, 'SET', 'plain', 'yes')) === 'OK';
    await waitFor('the Service leads to it', write, { timeoutMs: 20_000, everyMs: 100 });
    const ours = ['rolebinding/redis-orchestrator-agent', 'role/redis-orchestrator-agent'];
    const account = 'serviceaccount/redis-orchestrator';
    const gone = ['--ignore-not-found', `lease/${leaseName(name)}`, ...ours, account];
    await group.kubectl('delete', ...gone);
    t.equal(await redisCommand(plain.ip, {}, 'GET', 'plain'), 'yes', 'and nothing stops it');
  });
}
