// What an injection adds and changes, one line each, for people.

import { AGENT_CONTAINER, GROUP_LABEL } from '../../src/names.ts';
import { FENCE_WORDS } from '../../webhook/core/boot-fence.ts';
import type { Plan } from '../../webhook/core/plan.ts';
import { labelsOf, list, type Pod } from '../../webhook/core/pod.ts';

export function additionsOf(pod: Pod, plan: Plan): readonly string[] {
  const { agent, containerName } = plan;
  const kind = plan.native ? 'a native sidecar' : 'an ordinary container';
  const port = agent.ports?.[0]?.containerPort;
  const own = new Set(plan.volumes.map(({ name }) => name));
  const shared = list(agent.volumeMounts).filter(({ name }) => !own.has(name));
  const account = pod.spec?.serviceAccountName ?? pod.spec?.serviceAccount ?? '';
  return [
    `container ${AGENT_CONTAINER} (${agent.image}), ${kind}, port ${port}`,
    ...plan.volumes.map(({ name }) => `volume ${name}, for the agent alone`),
    ...shared.map(({ name, mountPath }) => `mount ${mountPath} of volume ${name}, read-only`),
    ...fenceLines(plan),
    ...(plan.preStop === undefined
      ? []
      : [`preStop hook of ${containerName}: asks the agent first`]),
    ...(plan.serviceAccount === undefined
      ? [`nothing to service account ${account}: it needs the Role of the agent`]
      : [`service account ${plan.serviceAccount} in place of default`]),
    ...(plan.stripToken ? ['automountServiceAccountToken: false for the other containers'] : []),
    ...(plan.graceSeconds === undefined
      ? []
      : [`terminationGracePeriodSeconds: ${plan.graceSeconds}`]),
    ...(labelsOf(pod)[GROUP_LABEL] === undefined ? [`label ${GROUP_LABEL}=${plan.group}`] : []),
  ];
}

function fenceLines({ bootFence, containerName }: Plan): readonly string[] {
  const words = FENCE_WORDS.join(' ');
  switch (bootFence.kind) {
    case 'arguments':
      return [`boot fence, arguments of ${containerName}: ${bootFence.words.join(' ')}`];
    case 'arguments-and-variable':
      return [
        `boot fence, arguments of ${containerName}: ${bootFence.words.join(' ')}`,
        `boot fence, in variable ${bootFence.name} of ${containerName}, whose options come after them: ${words}`,
      ];
    case 'shell':
      return [`boot fence, at the end of the script of ${containerName}: ${words}`];
    case 'variable':
      // What stands there already may be a password.
      return [`boot fence, in variable ${bootFence.name} of ${containerName}: ${words}`];
    case 'present':
    case 'none':
      return [];
  }
}
