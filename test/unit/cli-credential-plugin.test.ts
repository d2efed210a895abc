// A kubeconfig's credential plugin, with real programs: its token is used, it runs once for what is asked at once, and
// one that hangs, fails or talks nonsense is named, in time.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { localServer } from '../harness/local-server.ts';
import { connect } from '../../cli/live/kube-cluster.ts';
import { REPOSITORY } from '../harness/programs.ts';

const TOKEN = '{"kind": "ExecCredential", "status": {"token": "t-1"}}';
const RIGHT = { verb: 'list', resource: 'pods', namespace: 'shop' } as const;

/** A kubeconfig whose plugin is this shell script; each run leaves a line. The server answers with the token it got. */
async function plugin(t: Test, script: string, exec: object = {}, refused: readonly string[] = []) {
  const port = await localServer(t, (request, response) => {
    const isRefused = refused.some((token) => request.headers.authorization === `Bearer ${token}`);
    response.statusCode = isRefused ? 401 : 200;
    response.end(JSON.stringify({ token: request.headers.authorization }));
  });
  const folder = mkdtempSync(join(t.testdir({}), 'plugin-'));
  const runs = join(folder, 'runs');
  const args = ['-c', `echo "$KUBERNETES_EXEC_INFO" >> '${runs}'; ${script}`];
  const cluster = { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
  const settings = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args, ...exec };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'alice', user: { exec: settings } }],
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'alice' } }],
    'current-context': 'here',
  };
  const kubeconfig = join(folder, 'config');
  writeFileSync(kubeconfig, JSON.stringify(config));
  const ran = (): readonly string[] => readFileSync(runs, 'utf8').trim().split('\n');
  return { kubeconfig, ran };
}

async function asked(kubeconfig: string, times = 1, timeoutMs = 400) {
  const cluster = connect({ kubeconfig, context: undefined, timeoutMs });
  const ask = async () => await cluster.ask<unknown>({ right: RIGHT, path: '/api/v1/pods' });
  const answers = await Promise.all(Array.from({ length: times }, ask));
  const last = await ask();
  cluster.close();
  return [...answers, last];
}

await t.test('its token is used, and it runs once for all that is asked', async (t) => {
  const { kubeconfig, ran } = await plugin(t, `echo '${TOKEN}'`, { provideClusterInfo: true });
  const answers = await asked(kubeconfig, 5, 5000);
  for (const answer of answers) t.match(answer, { ok: true, body: { token: 'Bearer t-1' } });
  t.equal(ran().length, 1);
  t.match(JSON.parse(ran()[0] ?? ''), {
    kind: 'ExecCredential',
    spec: { interactive: Boolean, cluster: { server: /^http:\/\/127\.0\.0\.1:/ } },
  });
});

await t.test('a token that has ended is asked for again', async (t) => {
  const ended = '{"status": {"token": "t-2", "expirationTimestamp": "2020-01-01T00:00:00Z"}}';
  const { kubeconfig, ran } = await plugin(t, `echo '${ended}'`);
  await asked(kubeconfig, 1, 5000);
  t.equal(ran().length, 2);
});

await t.test(
  'a token that is refused is asked for anew, once for all that was asked',
  async (t) => {
    const count = join(t.testdir({}), 'count');
    const script = `echo >> '${count}'; n=$(wc -l < '${count}'); echo '{"status": {"token": "t-'$((n))'"}}'`;
    const { kubeconfig, ran } = await plugin(t, script, {}, ['t-1']);
    const answers = await asked(kubeconfig, 5, 5000);
    for (const answer of answers) t.match(answer, { ok: true, body: { token: 'Bearer t-2' } });
    t.equal(ran().length, 2);
    const never = await plugin(t, `echo '${TOKEN}'`, {}, ['t-1']);
    const [told] = await asked(never.kubeconfig, 1, 5000);
    t.match(told, { ok: false, status: 401 });
    t.ok(never.ran().length <= 4, 'anew once for each question, and not for ever');
  },
);

await t.test('what a hung plugin started ends with it: asked to, and then made to', async (t) => {
  const folder = t.testdir({});
  const script = `(trap 'echo asked > ${folder}/asked; wait' TERM; sleep 60 & echo $! > ${folder}/pid; wait) & wait`;
  const { kubeconfig } = await plugin(t, script, { interactiveMode: 'Never' });
  const [late] = await asked(kubeconfig);
  t.match(late, { ok: false, detail: /gave no answer within 400ms/ });
  const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
  const isRunning = (): boolean => {
    try {
      // A zombie waits for its parent alone.
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };
  for (let wait = 0; wait < 100 && isRunning(); wait++) await pause(20);
  t.notOk(isRunning(), 'it is gone');
  t.equal(readFileSync(join(folder, 'asked'), 'utf8'), 'asked\n');
});

await t.test('one that is done is not called hung for what it leaves behind', async (t) => {
  const { kubeconfig } = await plugin(t, `echo '${TOKEN}'; sleep 3 & exit 0`);
  const start = performance.now();
  const [told] = await asked(kubeconfig, 1, 2500);
  t.match(told, { ok: true, body: { token: 'Bearer t-1' } });
  const failing = await plugin(t, 'echo "log in first" >&2; sleep 3 & exit 3');
  const [failed] = await asked(failing.kubeconfig, 1, 2500);
  t.match(failed, { ok: false, detail: /ended with status 3: log in first; / });
  t.ok(performance.now() - start < 2500, 'in time');
});

await t.test('settings that are none are told by their field, with what to write', async (t) => {
  const faults: readonly (readonly [object, string, RegExp])[] = [
    [{ env: {} }, 'exec.env is {}', /^Write a list, such as \[\{name: /],
    [{ env: [{ name: 'A' }] }, 'exec.env is [{"name":"A"}]', /^Write a list/],
    [{ args: 'ab' }, 'exec.args is "ab"', /^Write a list of texts/],
    [{ command: '' }, 'exec.command is ""', /^Write the name of a program/],
  ];
  for (const [exec, fault, remedy] of faults) {
    const { kubeconfig } = await plugin(t, '', exec);
    t.throws(() => connect({ kubeconfig, context: undefined, timeoutMs: 400 }), {
      code: 'RO_KUBE_CONFIG',
      message: `user alice of the kubeconfig: ${fault}`,
      remedy,
    });
  }
});

await t.test('one that hangs is ended and named, and not waited for ten times', async (t) => {
  const { kubeconfig, ran } = await plugin(t, 'sleep 60; echo late');
  const start = performance.now();
  const answers = await asked(kubeconfig, 3);
  t.ok(performance.now() - start < 3000, 'in time');
  for (const answer of answers) {
    t.match(answer, {
      ok: false,
      status: 0,
      detail:
        /^the credential plugin sh of user alice in the kubeconfig gave no answer within 400ms; run it by itself.*--timeout$/,
    });
  }
  t.equal(ran().length, 1);
});

await t.test('one that fails, that is not there, and that talks nonsense', async (t) => {
  const failing = await plugin(t, 'echo "log in first" >&2; exit 3');
  const [failed] = await asked(failing.kubeconfig, 1, 5000);
  t.match(failed, { ok: false, detail: /sh of user alice .* ended with status 3: log in first; / });
  const hint = { command: 'no-such-plugin', installHint: 'brew install it' };
  const [missing] = await asked((await plugin(t, '', hint)).kubeconfig, 1, 5000);
  t.match(missing, {
    ok: false,
    detail: /no-such-plugin .* could not be run: .*ENOENT.*\(brew install it\)/,
  });
  const [nonsense] = await asked((await plugin(t, 'echo hello')).kubeconfig, 1, 5000);
  t.match(nonsense, { ok: false, detail: /wrote no ExecCredential/ });
});

await t.test('the program ends, although what the plugin started still runs', async (t) => {
  const { kubeconfig } = await plugin(t, 'sleep 20 & sleep 20');
  const start = performance.now();
  const args = ['cli/main.ts', 'check', '--pre', '--kubeconfig', kubeconfig, '--timeout', '500ms'];
  const ended = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(process.execPath, args, { cwd: REPOSITORY }, (error, _stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stderr }),
    );
  });
  t.ok(performance.now() - start < 15_000, 'in time');
  t.match(ended, { code: 1, stderr: /credential plugin sh of user alice .* within 500ms/ });
});
