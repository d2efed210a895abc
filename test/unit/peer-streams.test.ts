// What a peer says is believed only under the UID that the API server gave for its address; and an
// address at which another pod's agent answers is told apart from one that is silent.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Test, test } from 'tap';
import { systemClock } from '../../agent/clock.ts';
import { PeerStreams } from '../../agent/peers/streams.ts';
import { reportOf } from '../../agent/core/report.ts';
import { initialState } from '../../agent/core/step.ts';
import { createLog } from '../../src/log.ts';
import { waitFor } from '../harness/wait-for.ts';
import { config, pod } from './core-fixtures.ts';
import { context } from './core-rig.ts';

const ADDRESS = '127.0.0.1';

/** An agent of the pod with this UID, and streams that ask it. */
async function open(t: Test, uid: string) {
  const report = { ...reportOf(initialState(config, 0), context), podUID: uid };
  const answers = { count: 0 };
  let isSilent = false;
  const server = createServer((_, response) => {
    answers.count++;
    if (isSilent) return;
    response.end(`${JSON.stringify(report)}\n`);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, ADDRESS, resolve);
  });
  const heard: string[] = [];
  const streams = new PeerStreams({
    port: (server.address() as AddressInfo).port,
    clock: systemClock,
    log: createLog('test', 'silent', {}),
    random: () => 0,
    onReport: ({ podUID }) => heard.push(podUID),
  });
  const close = async (): Promise<void> => {
    await streams.close();
    server.closeAllConnections();
    server.close();
  };
  t.teardown(close);
  const silence = (): void => {
    isSilent = true;
  };
  return { streams, heard, answers, close, silence };
}

/** Follows the pod of that address until somebody else was met there. */
async function meet(streams: PeerStreams): Promise<void> {
  streams.follow([pod(1, { ip: ADDRESS })]);
  await waitFor('it is met', async () => await streams.isStranger('u1', ADDRESS), {
    timeoutMs: 5000,
  });
}

void test("another pod's agent under a pod's address is a stranger, and not believed", async (t) => {
  const { streams, heard, answers } = await open(t, 'somebody-else');
  t.notOk(await streams.isStranger('u1', ADDRESS), 'nobody is one before it was met');
  t.equal(answers.count, 0, 'and nobody was asked');
  await meet(streams);
  t.strictSame(heard, [], 'its report is not believed');
});

void test('a stranger that answers late is one still, for two seconds', async (t) => {
  const { streams, silence } = await open(t, 'somebody-else');
  await meet(streams);
  silence();
  t.ok(await streams.isStranger('u1', ADDRESS), 'nobody else has that address so soon');
  await waitFor(
    'after two seconds nothing is sure any more',
    async () => !(await streams.isStranger('u1', ADDRESS)),
    { timeoutMs: 10_000 },
  );
});

void test('the agent of the pod itself is none', async (t) => {
  const { streams, heard } = await open(t, 'u1');
  streams.follow([pod(1, { ip: ADDRESS })]);
  await waitFor('it is heard', () => heard.length > 0, { timeoutMs: 5000 });
  t.notOk(await streams.isStranger('u1', ADDRESS));
});

void test('a stranger that does not answer any more is none: the fence must not be left out', async (t) => {
  const { streams, close } = await open(t, 'somebody-else');
  await meet(streams);
  await close();
  t.notOk(await streams.isStranger('u1', ADDRESS));
});
