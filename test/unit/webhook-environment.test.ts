// What the agent gets of the variables that a password is made of: the value that Kubernetes gives to Redis. It
// expands `$(VAR)` in a variable by what was defined before it, sources first [kubelet, makeEnvironmentVariables].

import { test } from 'tap';
import { decide } from '../../webhook/core/decide.ts';
import type { EnvFromSource, EnvVar } from '../../webhook/core/pod.ts';
import { CORE, NAMESPACE, redisPod } from './webhook-fixtures.ts';

const VARIABLE = /\$\(([\w.-]+)\)/g;

/** As the kubelet does it, with the content of sources known. */
function expanded(env: readonly EnvVar[], sources: Readonly<Record<string, string>>) {
  const values = new Map(Object.entries(sources));
  for (const { name, value = '', valueFrom } of env) {
    const text = valueFrom === undefined ? value : `secret of ${name}`;
    const fill = (whole: string, inner: string): string => values.get(inner) ?? whole;
    values.set(name, valueFrom === undefined ? text.replace(VARIABLE, fill) : text);
  }
  return values;
}

function agentEnv(env: EnvVar[], envFrom: EnvFromSource[] = []) {
  const args = ['--requirepass', '$(PASS)'];
  const decision = decide(redisPod({ args, env, envFrom }), NAMESPACE, CORE);
  if (decision.kind !== 'inject') throw new Error(decision.kind);
  const own = decision.plan.agent.env ?? [];
  return { env: own, codes: decision.warnings.map(({ code }) => code) };
}

const CASES: Readonly<Record<string, { env: EnvVar[]; isTold?: true }>> = {
  'a chain in order': {
    env: [
      { name: 'A', value: 'a' },
      { name: 'B', value: '$(A)b' },
      { name: 'PASS', value: '$(B)c' },
    ],
  },
  'one that is defined later stays as it is written': {
    env: [
      { name: 'PASS', value: '$(LATER)c' },
      { name: 'LATER', value: 'x' },
    ],
    isTold: true,
  },
  'one that is defined again later': {
    env: [
      { name: 'A', value: 'first' },
      { name: 'PASS', value: '$(A)' },
      { name: 'A', value: 'second' },
    ],
  },
  'one that is made of an earlier one of its own name': {
    env: [
      { name: 'PASS', value: 'a' },
      { name: 'PASS', value: '$(PASS)b' },
    ],
  },
  "one through a variable that is called like the agent's": {
    env: [
      { name: 'REDIS_PASSWORD', value: 'a' },
      { name: 'PASS', value: '$(REDIS_PASSWORD)' },
    ],
  },
  "one made of a variable that is called like the agent's": {
    env: [
      { name: 'POD_NAME', value: 'mine' },
      { name: 'REDIS_PASSWORD', value: '$(POD_NAME)a' },
      { name: 'B', value: '$(REDIS_PASSWORD)' },
      { name: 'PASS', value: '$(B)-$(REDIS_PASSWORD)-$(POD_NAME)-$$(B)' },
    ],
  },
  'one that nobody defines': { env: [{ name: 'PASS', value: '$(NOBODY)c' }], isTold: true },
};

for (const [what, { env, isTold }] of Object.entries(CASES)) {
  void test(`the agent has the password of Redis: ${what}`, async (t) => {
    const theirs = expanded(env, {}).get('PASS');
    const agent = agentEnv(env);
    t.equal(expanded(agent.env, {}).get('REDIS_PASSWORD'), theirs);
    t.equal(agent.codes.includes('password-unknown'), isTold === true);
  });
}

void test('two meanings of one name: the agent can have one, and it is told', async (t) => {
  const env = [
    { name: 'A', value: 'first' },
    { name: 'B', value: 'x$(A)' },
    { name: 'A', value: 'second' },
    { name: 'PASS', value: '$(A)$(B)' },
  ];
  t.same(agentEnv(env).codes, ['password-unknown']);
});

void test('a source supplies what env defines later only', async (t) => {
  const env = [
    { name: 'PASS', value: '$(A)' },
    { name: 'A', value: 'late' },
  ];
  const agent = agentEnv(env, [{ secretRef: { name: 'all' } }]);
  t.match(
    agent.env.find(({ name }) => name === 'REDIS_PASSWORD'),
    {
      valueFrom: { secretKeyRef: { name: 'all', key: 'A' } },
    },
  );
});
