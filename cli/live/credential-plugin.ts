// The program that a kubeconfig names for a token (`exec`). The client library runs it without a limit, once for
// each request that is on its way; here it is run once for all of them, and ends in time.

import type http from 'node:http';
import type https from 'node:https';
import { isatty } from 'node:tty';
import type { Cluster, User } from '@kubernetes/client-node';
import { formatDuration } from '../../src/duration.ts';
import { isMap } from '../../src/json.ts';
import { runPlugin } from './plugin-process.ts';

/** What is shown of a plugin's own words. */
const WORDS_MAX = 300;

export type Exec = {
  readonly apiVersion?: string;
  readonly command: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly provideClusterInfo?: boolean;
  readonly interactiveMode?: string;
  readonly installHint?: string;
};

type Credential = {
  readonly token?: string;
  readonly clientCertificateData?: string;
  readonly clientKeyData?: string;
  readonly expirationTimestamp?: string;
};

type ReadExec =
  | { readonly ok: true; readonly exec: Exec }
  | { readonly ok: false; readonly fault: string; readonly remedy: string };

/** `exec` of a user as a person or a tool wrote it: the client library takes it as it is. */
export function readExec(value: unknown): ReadExec {
  const told: Readonly<Record<string, unknown>> = isMap(value) ? value : {};
  const { command, args, env } = told;
  const wrong = (field: string, found: unknown, remedy: string): ReadExec => {
    const what = found === undefined ? 'not there' : JSON.stringify(found);
    return { ok: false, fault: `${field} is ${what}`, remedy: `Write ${remedy}.` };
  };
  if (!isMap(value)) return wrong('exec', value, 'a map with a command in it');
  if (typeof command !== 'string' || command === '') {
    return wrong('exec.command', command, 'the name of a program');
  }
  if (!isListOf(args, (each) => typeof each === 'string')) {
    return wrong('exec.args', args, 'a list of texts, such as [get-token]');
  }
  const isVariable = (each: unknown): boolean =>
    isMap(each) && typeof each['name'] === 'string' && typeof each['value'] === 'string';
  if (!isListOf(env, isVariable)) {
    return wrong('exec.env', env, 'a list, such as [{name: AWS_PROFILE, value: shop}]');
  }
  return { ok: true, exec: value as unknown as Exec };
}

function isListOf(value: unknown, isItem: (each: unknown) => boolean): boolean {
  return (value ?? null) === null || (Array.isArray(value) && value.every(isItem));
}

/** An authenticator of the library, which does not export the type. */
export class CredentialPlugin {
  readonly #user: string;
  readonly #exec: Exec;
  readonly #cluster: Cluster | null;
  readonly #timeoutMs: number;
  #credential: Credential | null = null;
  /** Requests that come meanwhile wait for the same one. */
  #running: Promise<Credential> | null = null;
  /** One that hung is not waited for again at once: what asks ten things would wait ten times. */
  #hungUntilMs = 0;

  constructor(user: string, exec: Exec, cluster: Cluster | null, timeoutMs: number) {
    this.#user = user;
    this.#exec = exec;
    this.#cluster = cluster;
    this.#timeoutMs = timeoutMs;
  }

  isAuthProvider({ name }: User): boolean {
    return name === this.#user;
  }

  async applyAuthentication(_user: User, options: https.RequestOptions): Promise<void> {
    const { token, clientCertificateData, clientKeyData } = await this.#current();
    if (clientCertificateData !== undefined) options.cert = clientCertificateData;
    if (clientKeyData !== undefined) options.key = clientKeyData;
    if (token !== undefined) {
      const headers = options.headers as http.OutgoingHttpHeaders | undefined;
      options.headers = { ...headers, Authorization: `Bearer ${token}` };
    }
  }

  /** After a 401 to a request with these options: as kubectl does, it is asked for anew. */
  drop({ headers, cert }: https.RequestOptions): void {
    const { Authorization: sent } = (headers ?? {}) as http.OutgoingHttpHeaders;
    const { token, clientCertificateData } = this.#credential ?? {};
    // What was asked at once is refused at once, and another one may be known by now.
    const isIt = token === undefined ? cert === clientCertificateData : sent === `Bearer ${token}`;
    if (isIt) this.#credential = null;
  }

  async #current(): Promise<Credential> {
    const known = this.#credential;
    if (known !== null && isGood(known, Date.now())) return known;
    if (performance.now() < this.#hungUntilMs) throw this.#late();
    this.#running ??= this.#run().finally(() => (this.#running = null));
    this.#credential = await this.#running;
    return this.#credential;
  }

  async #run(): Promise<Credential> {
    const { command, args, env } = this.#exec;
    const isInteractive = isatty(0) && this.#exec.interactiveMode !== 'Never';
    const own = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
    const ended = await runPlugin({
      command,
      args: args ?? [],
      env: { ...process.env, ...own, KUBERNETES_EXEC_INFO: this.#info(isInteractive) },
      isInteractive,
      timeoutMs: this.#timeoutMs,
      isWhole: (stdout) => credentialIn(stdout) !== null,
    });
    if (ended.kind === 'late') {
      this.#hungUntilMs = performance.now() + this.#timeoutMs;
      throw this.#late();
    }
    if (ended.kind === 'failed') throw this.#failed(`could not be run: ${ended.why}`);
    const words = ended.stderr.trim().slice(-WORDS_MAX);
    if (ended.code !== 0) {
      const status = ended.code === null ? 'was ended' : `ended with status ${ended.code}`;
      throw this.#failed(`${status}${words === '' ? '' : `: ${words}`}`);
    }
    const credential = credentialIn(ended.stdout);
    if (credential === null) throw this.#failed('wrote no ExecCredential with a token in it');
    return credential;
  }

  #late(): Error {
    return this.#error(
      `gave no answer within ${formatDuration(this.#timeoutMs)}`,
      'run it by itself, to see what it waits for (a login?), or give it more time by --timeout',
    );
  }

  #failed(what: string): Error {
    const { installHint = '' } = this.#exec;
    const hint = installHint === '' ? '' : ` (${installHint.trim()})`;
    return this.#error(what, `run it by itself, to see what it lacks${hint}`);
  }

  #error(what: string, remedy: string): Error {
    const whose = `credential plugin ${this.#exec.command} of user ${this.#user}`;
    return new Error(`the ${whose} in the kubeconfig ${what}; ${remedy}`);
  }

  /** https://kubernetes.io/docs/reference/config-api/client-authentication.v1/ */
  #info(interactive: boolean): string {
    const { apiVersion = 'client.authentication.k8s.io/v1', provideClusterInfo } = this.#exec;
    const cluster = this.#cluster;
    const told = {
      server: cluster?.server,
      'tls-server-name': cluster?.tlsServerName,
      'insecure-skip-tls-verify': cluster?.skipTLSVerify,
      'certificate-authority-data': cluster?.caData,
    };
    const spec = { interactive, ...(provideClusterInfo === true ? { cluster: told } : {}) };
    return JSON.stringify({ apiVersion, kind: 'ExecCredential', spec });
  }
}

function isGood({ expirationTimestamp }: Credential, nowEpochMs: number): boolean {
  return expirationTimestamp === undefined || Date.parse(expirationTimestamp) > nowEpochMs;
}

function credentialIn(text: string): Credential | null {
  let told: unknown;
  try {
    told = JSON.parse(text);
  } catch {
    return null;
  }
  const status = isMap(told) && isMap(told['status']) ? told['status'] : {};
  const textOf = (name: keyof Credential): Credential =>
    typeof status[name] === 'string' && status[name] !== '' ? { [name]: status[name] } : {};
  const credential = {
    ...textOf('token'),
    ...textOf('clientCertificateData'),
    ...textOf('clientKeyData'),
    ...textOf('expirationTimestamp'),
  };
  const isWhole = credential.token !== undefined || credential.clientCertificateData !== undefined;
  return isWhole ? credential : null;
}
