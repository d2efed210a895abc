// The bench of webhooks: ours beside other public injectors, on the same reviews.
// `npm run bench:webhook -- --help`.

import { writeFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import { createAuthority, issueCertificate, writeTlsFiles } from '../harness/certificates.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { Workspace } from '../harness/workspace.ts';
import { INJECTORS } from './injectors/injectors.ts';
import type { Injector, Stage } from './injectors/injector.ts';
import { FlagError } from './options.ts';
import { load, memoryOf } from './process-cost.ts';
import { SERVER_NAME } from './webhook-caller.ts';
import { cellOf, missedGoals, type WebhookResult, webhookTables } from './webhook-figures.ts';
import { emptyMeasure, Measure, type Measured } from './webhook-measure.ts';
import { readWebhookOptions, WEBHOOK_HELP, type WebhookOptions } from './webhook-options.ts';
import { KINDS, type Kind } from './webhook-reviews.ts';
import { swapUnderLoad } from './webhook-swap.ts';

const WARM_UP = 2000;
const IDLE_MS = 10_000;

type System = {
  readonly name: string;
  readonly injector: Injector;
  readonly measure: Measure;
  readonly measured: Readonly<Record<Kind, Measured>>;
  idle_MiB: number;
};

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function residentMiB({ process: { pid } }: Injector): number {
  return Number(memoryOf(pid).rss_MiB.toFixed(1));
}

/** Undefined: it could not be had or started, which is said and written down. */
async function open(
  stage: Stage,
  caPem: string,
  name: keyof typeof INJECTORS,
  absent: Record<string, string>,
): Promise<System | undefined> {
  let injector: Injector | undefined;
  try {
    injector = await INJECTORS[name](stage);
    const measure = new Measure({ url: injector.url, caPem }, injector.process.pid, KINDS);
    await measure.warmUp('small', 1);
    const measured = {
      small: emptyMeasure(),
      bitnami: emptyMeasure(),
      large: emptyMeasure(),
      wide: emptyMeasure(),
    };
    say(`${name} ${injector.version} injects`);
    return { name, injector, measure, measured, idle_MiB: 0 };
  } catch (error) {
    const why = `${messageOf(error)}\n${injector?.process.tail() ?? ''}`;
    say(`NOT MEASURED: ${name}: ${why}`);
    absent[name] = why;
    return undefined;
  }
}

/** In turn, the first one in a round being another each time: a slow moment hits all. */
async function rounds(systems: readonly System[], options: WebhookOptions): Promise<void> {
  const perRound = Math.ceil(options.reviews / options.rounds);
  for (let round = 0; round < options.rounds; round++) {
    const first = round % systems.length;
    const inTurn = [...systems.slice(first), ...systems.slice(0, first)];
    for (const kind of KINDS) {
      for (const { measure, measured } of inTurn) {
        await measure.oneByOne(kind, perRound, measured[kind]);
      }
      for (const { measure, measured } of inTurn) await measure.atOnce(kind, measured[kind]);
    }
    say(`round ${round + 1}/${options.rounds}, load ${load().toFixed(1)}`);
  }
}

function tableOf<T>(systems: readonly System[], of: (system: System) => T): Record<string, T> {
  return Object.fromEntries(systems.map((system) => [system.name, of(system)]));
}

async function main(options: WebhookOptions): Promise<number> {
  const workspace = new Workspace();
  const absent: Record<string, string> = {};
  const machine = {
    cores: cpus().length,
    node: process.version,
    at: new Date().toISOString(),
  };
  try {
    const controlPlane = await startControlPlane(workspace);
    const authority = await createAuthority('bench-ca');
    const names = { dns: [SERVER_NAME], ips: ['127.0.0.1'] };
    const folder = workspace.folder('tls');
    const write = async (): Promise<string> => {
      const certificate = await issueCertificate(authority, 'webhook', names);
      Object.assign(tls, writeTlsFiles(folder, authority, certificate));
      return new X509Certificate(certificate.certPem).serialNumber;
    };
    const tls = { ca: '', cert: '', key: '' };
    await write();
    const caPem = authority.certPem;
    const systems: System[] = [];
    for (const name of options.systems) {
      const system = await open({ workspace, controlPlane, tls }, caPem, name, absent);
      if (system !== undefined) systems.push(system);
    }
    await pause(IDLE_MS);
    for (const system of systems) system.idle_MiB = residentMiB(system.injector);
    for (const kind of KINDS) {
      for (const { measure } of systems)
        await measure.warmUp(kind, Math.min(WARM_UP, options.reviews));
    }
    await rounds(systems, options);
    say('the certificate is swapped under load');
    const serial = await write();
    const swap: WebhookResult['swap'] = Object.fromEntries(
      await Promise.all(
        systems.map(async ({ name, injector, measure }) => {
          const wanted = Math.max(1, options.total - measure.answered);
          const target = { url: injector.url, caPem };
          const whose = name === 'ours' ? 'ours' : 'theirs';
          return [name, await swapUnderLoad(target, wanted, serial, whose)] as const;
        }),
      ),
    );
    await pause(IDLE_MS);
    const cells = (kind: Kind) => tableOf(systems, ({ measured }) => cellOf(measured[kind]));
    const result: WebhookResult = {
      small: cells('small'),
      bitnami: cells('bitnami'),
      large: cells('large'),
      wide: cells('wide'),
      machine,
      versions: tableOf(systems, ({ injector }) => injector.version),
      memory: tableOf(systems, ({ name, injector, measure, idle_MiB }) => ({
        idle_MiB,
        after_MiB: residentMiB(injector),
        reviews: measure.answered + (swap[name]?.reviews ?? 0),
      })),
      swap,
      absent,
    };
    for (const { measure } of systems) await measure.close();
    return report(result, options);
  } finally {
    await workspace.close();
  }
}

function report(result: WebhookResult, { json }: WebhookOptions): number {
  process.stdout.write(`${webhookTables(result)}\n`);
  for (const missed of missedGoals(result)) process.stdout.write(`not ahead: ${missed}\n`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
  const errors = result.swap['ours']?.errors ?? 0;
  if (errors > 0) say(`ours failed in the swap: ${result.swap['ours']?.firstError}`);
  const isWhole = Object.keys(result.absent).length === 0;
  return errors === 0 && isWhole ? 0 : 1;
}

try {
  const options = readWebhookOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(WEBHOOK_HELP);
  else process.exitCode = await main(options);
} catch (error) {
  if (!(error instanceof FlagError)) throw error;
  say(error.message);
  process.exitCode = 2;
}
