// Accounts of people with the roles that we ship, or with less; and the command line as they call it.

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ControlPlane } from './control-plane.ts';
import { type Access, KubeError } from './kube-client.ts';
import { REPOSITORY } from './programs.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';

export type Rule = {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
};

type Role = { readonly metadata: { readonly name: string }; readonly rules: readonly Rule[] };

function peopleRoles(): readonly Role[] {
  const text = readFileSync(join(REPOSITORY, 'manifests/base/people-roles.yaml'), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as Role);
}

export function rulesOf(role: 'viewer' | 'operator'): readonly Rule[] {
  const name = `redis-orchestrator-${role}`;
  return peopleRoles().find(({ metadata }) => metadata.name === name)?.rules ?? [];
}

/** The same without one verb on one resource. */
export function without(rules: readonly Rule[], verb: string, resource: string): readonly Rule[] {
  return rules.flatMap((rule) => {
    const others = rule.resources.filter((each) => each !== resource);
    const verbs = rule.verbs.filter((each) => each !== verb);
    if (others.length === rule.resources.length) return [rule];
    return [
      ...(others.length === 0 ? [] : [{ ...rule, resources: others }]),
      ...(verbs.length === 0 ? [] : [{ ...rule, resources: [resource], verbs }]),
    ];
  });
}

export type Person = { readonly kubeconfig: string; readonly access: Access };

/** An account with these rights in its namespace, and a kubeconfig whose context is that namespace. */
export async function createPerson(
  { admin, url, caPem, workspace }: ControlPlane,
  namespace: string,
  name: string,
  rules: readonly Rule[],
): Promise<Person> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await admin.create(accounts, { metadata: { name } });
  await admin.create(`${RBAC}/namespaces/${namespace}/roles`, { metadata: { name }, rules });
  await admin.create(`${RBAC}/namespaces/${namespace}/rolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  });
  const answer = await admin.create<{ status: { token: string } }>(`${accounts}/${name}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {},
  });
  const access = { url, caPem, token: answer.status.token };
  const kubeconfig = join(workspace.directory, `${namespace}-${name}.kubeconfig`);
  const certificate = Buffer.from(caPem).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'test', cluster: { server: url, 'certificate-authority-data': certificate } },
    ],
    users: [{ name, user: { token: access.token } }],
    contexts: [{ name, context: { cluster: 'test', user: name, namespace } }],
    'current-context': name,
  };
  writeFileSync(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  return { kubeconfig, access };
}

/** The roles as they are shipped; once for each control plane. */
export async function applyPeopleRoles({ admin }: ControlPlane): Promise<void> {
  for (const role of peopleRoles()) {
    try {
      await admin.create(`${RBAC}/clusterroles`, role);
    } catch (error) {
      if (!(error instanceof KubeError && error.status === 409)) throw error;
    }
  }
}

export type Called = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** The bundle, as it is shipped. `endAfterMs`: Ctrl-C then. */
export async function call(
  kubeconfig: string,
  args: readonly string[],
  options: { readonly endAfterMs?: number; readonly program?: readonly string[] } = {},
): Promise<Called> {
  const bundle = [process.execPath, join(REPOSITORY, 'dist', 'redis-orchestrator.mjs')];
  const [program = '', ...first] = options.program ?? bundle;
  const path = `${join(REPOSITORY, 'dist')}:${process.env['PATH']}`;
  const env = { ...process.env, PATH: path, KUBECONFIG: kubeconfig, NO_COLOR: '1' };
  const child = spawn(program, [...first, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (bytes: Buffer) => (texts.stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (texts.stderr += bytes.toString()));
  const timer =
    options.endAfterMs === undefined
      ? undefined
      : setTimeout(() => child.kill('SIGINT'), options.endAfterMs);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  return { code, ...texts };
}
