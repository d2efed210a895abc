// Brings up what a run needs: the cluster, the images in it, then the product. Each step shows its time.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY } from '../harness/programs.ts';
import { clusterEnvironment, SYSTEM_NAMESPACE } from './cluster.ts';

/** Children of the run; ended when the run is. */
const children = new Set<ChildProcess>();

export function say(line: string): void {
  process.stdout.write(`# ${line}\n`);
}

export function signalChildren(signal: NodeJS.Signals): void {
  for (const child of children) child.kill(signal);
}

/** Standard output is returned where `quiet`, else it is the run's own. */
export function run(
  program: string,
  args: readonly string[],
  options: { readonly quiet?: boolean; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: REPOSITORY,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', options.quiet === true ? 'pipe' : 'inherit', 'inherit'],
    });
    children.add(child);
    let output = '';
    child.stdout?.on('data', (part: Buffer) => {
      output += part.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => {
      children.delete(child);
      resolve({ code: code ?? 1, output });
    });
  });
}

async function must(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code, output } = await run(program, args, { quiet: true, env });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${code}\n${output}`);
  return output;
}

async function timed<T>(what: string, act: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const answer = await act();
  say(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return answer;
}

const script = (name: string): string => join(REPOSITORY, 'scripts', name);

async function images(name: string): Promise<void> {
  await timed('bundles', async () => await must('npm', ['run', 'build']));
  const wanted = ['agent', 'webhook', 'redis', 'valkey', 'bitnami'];
  const archives = await timed(
    'images',
    async () => await must(script('images'), ['build', ...wanted]),
  );
  const files = archives.split('\n').filter((line) => line.endsWith('.tar'));
  await timed(
    'images into the cluster',
    async () => await must(script('cluster'), ['load', '--name', name, ...files]),
  );
}

async function product(name: string): Promise<void> {
  const { kubeconfig, path } = clusterEnvironment(name);
  const kubectl = async (...args: string[]): Promise<string> =>
    await must('kubectl', args, { KUBECONFIG: kubeconfig, PATH: path });
  const deployment = 'deployment/redis-orchestrator-webhook';
  const inSystem = ['-n', SYSTEM_NAMESPACE];
  const found = await kubectl(...inSystem, 'get', deployment, '-o', 'name', '--ignore-not-found');
  await kubectl('apply', '-k', join(REPOSITORY, 'manifests', 'base'));
  // The tag is the same: pods from before would keep the old image.
  if (found !== '') await kubectl(...inSystem, 'rollout', 'restart', deployment);
  await kubectl(...inSystem, 'rollout', 'status', deployment, '--timeout=120s');
}

export async function bringUp(name: string): Promise<void> {
  await timed(`cluster ${name}`, async () => await must(script('cluster'), ['up', '--name', name]));
  await images(name);
}

export async function installProduct(name: string): Promise<void> {
  await timed('the product', async () => await product(name));
}

export async function takeDown(name: string): Promise<void> {
  await timed(
    `cluster ${name} down`,
    async () => await must(script('cluster'), ['down', '--name', name]),
  );
}

/** The name carries the run's pid, so that the next run knows what a killed one left behind. */
export function ownClusterName(): string {
  return `e2e-${process.pid}`;
}

export async function takeDownLeftovers(): Promise<void> {
  const cache = process.env['RO_CACHE'] ?? join(homedir(), '.cache', 'redis-orchestrator');
  const clusters = join(cache, 'clusters');
  if (!existsSync(clusters)) return;
  for (const name of readdirSync(clusters)) {
    const pid = /^e2e-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await takeDown(name);
  }
}
