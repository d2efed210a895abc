// The real webhook under reviews that somebody broke byte by byte: each gets a well-formed review or a 4xx,
// the process lives, its memory stays. RO_FUZZ_COUNT chooses how many (`npm run fuzz:webhook`: a million).

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { t as file, test } from 'tap';
import { Agent, request } from 'undici';
import { parse } from 'yaml';
import { messageOf } from '../../src/errors.ts';
import { memoryOf } from '../bench/process-cost.ts';
import { REPOSITORY } from '../harness/programs.ts';
import { waitFor } from '../harness/wait-for.ts';
import { mostlyJson, type Random, randomOf } from '../fuzz/mutate.ts';
import { openWebhookStage, startWebhook, webhookReady } from './webhook-setup.ts';

const COUNT = Number(process.env['RO_FUZZ_COUNT'] ?? 20_000);
const SEED = Number(process.env['RO_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const AT_ONCE = 8;
/** What the container may have (manifests/base/deployment.yaml). */
const LIMIT_MIB = 256;
/** Parts of the run in which memory is looked at; the first is for warming up. */
const PARTS = 10;
/** More than the garbage collector's own ups and downs: a leak of a hundred bytes each shows in a million. */
const GROWTH_MIB_MAX = 24;

file.setTimeout(3_600_000);
const { controlPlane, httpsPort } = await openWebhookStage(file);
const webhook = await startWebhook(controlPlane, httpsPort);
await webhookReady(webhook);
await controlPlane.admin.create('/api/v1/namespaces', {
  metadata: { name: 'shop', labels: { 'redis-orchestrator.io/inject': 'enabled' } },
});

const golden = join(REPOSITORY, 'test', 'golden');
const corpus = readdirSync(golden).map((name) => {
  const object: unknown = parse(readFileSync(join(golden, name, 'pod.yaml'), 'utf8'));
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const body = { uid: 'u1', kind, namespace: 'shop', operation: 'CREATE', dryRun: true, object };
  const apiVersion = 'admission.k8s.io/v1';
  return Buffer.from(JSON.stringify({ apiVersion, kind: 'AdmissionReview', request: body }));
});

const dispatcher = new Agent({ connections: AT_ONCE, connect: { rejectUnauthorized: false } });
/** `unreadable`: a review that refuses the pod, because it is none: an API server checks that before. */
const counts = { patched: 0, allowed: 0, denied: 0, unreadable: 0, refused: 0 };

/** Undefined where the answer is as promised. */
async function fault(random: Random): Promise<string | undefined> {
  const body = mostlyJson(corpus, random);
  try {
    return await faultOf(body);
  } catch (error) {
    const { process } = webhook;
    const told = `${messageOf(error)} to ${body.toString('base64').slice(0, 20_000)}`;
    return `${told}\n${process.isRunning ? 'it lives' : 'it ended'}: ${process.tail()}`;
  }
}

async function faultOf(body: Buffer): Promise<string | undefined> {
  const answer = await request(`https://127.0.0.1:${httpsPort}/mutate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    dispatcher,
  });
  const text = await answer.body.text();
  const { statusCode } = answer;
  const told = `${statusCode} ${text.slice(0, 200)} to ${body.toString('base64').slice(0, 2000)}`;
  if (statusCode >= 400 && statusCode < 500) {
    counts.refused++;
    return undefined;
  }
  if (statusCode !== 200) return told;
  const { kind, response } = JSON.parse(text) as {
    kind: string;
    response: { uid: string; allowed: boolean; patch?: string; status?: { code: number } };
  };
  if (kind !== 'AdmissionReview' || typeof response.uid !== 'string') return told;
  if (response.patch !== undefined) {
    const patch: unknown = JSON.parse(Buffer.from(response.patch, 'base64').toString());
    if (!Array.isArray(patch) || patch.length === 0) return told;
    counts.patched++;
  } else if (response.status?.code === 422) counts.unreadable++;
  else if (response.status?.code === 500) return told;
  else if (response.allowed) counts.allowed++;
  else counts.denied++;
  return undefined;
}

/** The garbage collector only ever adds to what is needed. */
const lowest = (values: readonly number[]): number => Math.min(...values);

async function send(count: number, random: Random): Promise<readonly string[]> {
  const faults: string[] = [];
  let left = count;
  const work = async (): Promise<void> => {
    while (left-- > 0 && faults.length < 5) {
      const found = await fault(random);
      if (found !== undefined) faults.push(found);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return faults;
}

await test(`${COUNT} broken reviews`, { timeout: 3_600_000 }, async (t) => {
  t.comment(`RO_SEED=${SEED}`);
  const random = randomOf(SEED);
  await waitFor(
    'the namespace is ready, and pods are patched',
    async () => {
      await send(200, random);
      return counts.patched > 0;
    },
    { timeoutMs: 20_000 },
  );
  const faults: string[] = [];
  const usedMiBs: number[] = [];
  for (let part = 0; part < PARTS && faults.length === 0; part++) {
    faults.push(...(await send(COUNT / PARTS, random)));
    if (!webhook.process.isRunning) break;
    usedMiBs.push(memoryOf(webhook.process.pid).rss_MiB);
    t.comment(`${(part + 1) * (COUNT / PARTS)}: ${usedMiBs.at(-1)?.toFixed(0)} MiB`);
  }
  const usedMiB = Math.max(...usedMiBs);
  const grownMiB = lowest(usedMiBs.slice(PARTS / 2)) - lowest(usedMiBs.slice(1, PARTS / 2));
  for (const found of faults) t.fail(found);
  t.comment(`${JSON.stringify(counts)}; ${usedMiBs.map((each) => each.toFixed(0)).join(', ')} MiB`);
  t.ok(webhook.process.isRunning, 'it lives');
  t.ok(usedMiB < LIMIT_MIB, 'within the memory of its container');
  t.ok(grownMiB < GROWTH_MIB_MAX, `flat after it is warm: ${grownMiB.toFixed(1)} MiB more`);
  t.ok(counts.patched > 0 && counts.denied > 0 && counts.refused > 0, 'all kinds of answers');
  await dispatcher.close();
});
