// A namespace for one test, which ends with it; a failure first shows what was in it.

import type { Test } from 'tap';
import { AGENT_CONTAINER, INJECT_LABEL } from '../../src/names.ts';
import type { Cluster } from './cluster.ts';

const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' };

export type NamespaceOptions = {
  /** Labelled for injection; by default it is. */
  readonly isInjected?: boolean;
  /** Enforces the `restricted` Pod Security standard. */
  readonly isRestricted?: boolean;
};

let namespaces = 0;

async function picture(cluster: Cluster, namespace: string): Promise<string> {
  const ask = async (...args: string[]): Promise<string> =>
    await cluster.kubectl(['-n', namespace, ...args]).catch(String);
  const names = await ask('get', 'pods', '-o', 'name');
  const logs = await Promise.all(
    names
      .split('\n')
      .filter((name) => name.startsWith('pod/'))
      .map(
        async (name) =>
          `${name}:\n${await ask('logs', name, '-c', AGENT_CONTAINER, '--tail', '25')}`,
      ),
  );
  return [
    await ask('get', 'pods', '-o', 'wide', '--show-labels'),
    await ask('get', 'leases', '-o', 'yaml'),
    await ask('get', 'events', '--sort-by', '.lastTimestamp').then((text) => text.slice(-3000)),
    ...logs,
  ].join('\n');
}

/** Its name. The test `t` owns it: subtests may share it. */
export async function createNamespace(
  t: Test,
  cluster: Cluster,
  name: string,
  options: NamespaceOptions = {},
): Promise<string> {
  const namespace = `${name}-${process.pid}-${++namespaces}`;
  const labels = {
    ...(options.isInjected === false ? {} : { [INJECT_LABEL]: 'enabled' }),
    ...(options.isRestricted === true ? RESTRICTED : {}),
  };
  await cluster.core.createNamespace({ body: { metadata: { name: namespace, labels } } });
  t.teardown(async () => {
    if (!t.passing()) t.comment(await picture(cluster, namespace));
    if (process.env['RO_E2E_KEEP'] === '1') return;
    await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  });
  return namespace;
}
