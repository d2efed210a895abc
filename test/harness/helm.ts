// The two Helms, with settings of their own: nothing of the person's is read or written.

import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY } from './programs.ts';

export const CHART = join(REPOSITORY, 'manifests', 'chart');
export const HELM_MAJORS = [3, 4] as const;
export type HelmMajor = (typeof HELM_MAJORS)[number];

export type HelmAnswer = {
  readonly ok: boolean;
  readonly stdout: string;
  /** What it says for people: warnings, and why it failed. */
  readonly stderr: string;
};

const TIMEOUT_MS = 180_000;

const home = mkdtempSync(join(tmpdir(), 'ro-helm-'));
process.once('exit', () => rmSync(home, { recursive: true, force: true }));

export class Helm {
  readonly major: HelmMajor;
  private readonly program: string;
  private readonly env: NodeJS.ProcessEnv;

  /** The first time on a machine the program is built, which takes minutes. */
  constructor(major: HelmMajor, kubeconfig = join(home, 'none')) {
    this.major = major;
    this.program = execFileSync(join(REPOSITORY, 'scripts', 'helm'), [String(major)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim();
    this.env = {
      PATH: process.env['PATH'],
      HOME: home,
      HELM_CACHE_HOME: join(home, 'cache'),
      HELM_CONFIG_HOME: join(home, 'config'),
      HELM_DATA_HOME: join(home, 'data'),
      KUBECONFIG: kubeconfig,
    };
  }

  /** Values go in by standard input: args have `--values=-` for them. Writers of the same process go on. */
  async ask(args: readonly string[], values: unknown = {}): Promise<HelmAnswer> {
    return await new Promise((resolve) => {
      const options = { env: this.env, encoding: 'utf8', timeout: TIMEOUT_MS } as const;
      const child = execFile(this.program, args, options, (error, stdout, stderr) => {
        const why = stderr === '' && error !== null ? error.message : stderr;
        resolve({ ok: error === null, stdout, stderr: why });
      });
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(JSON.stringify(values));
    });
  }

  /** The same where failing is none of the answers. */
  async run(args: readonly string[], values: unknown = {}): Promise<string> {
    const { ok, stdout, stderr } = await this.ask(args, values);
    if (!ok) throw new Error(`helm ${this.major} ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
}
