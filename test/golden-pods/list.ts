// Redis pods as people write them, varied along each axis that the injection reads: image family, start, password,
// TLS, owner, environment, account. A fixed list with stable names; each of them is to be injected.

import type { Container, Pod } from '../../webhook/core/pod.ts';
import type { Parts, Start } from './parts.ts';
import { PASSWORDS } from './passwords.ts';
import { AXES } from './shapes.ts';
import { FAMILIES, STARTS, type StartName } from './starts.ts';

export type GoldenPod = { readonly name: string; readonly pod: Pod };

function build(family: string, start: StartName, password: string, at: number): GoldenPod {
  const { image, server, kind } = FAMILIES[family] ?? {
    image: '',
    server: '',
    kind: 'other' as const,
  };
  const container: Container = { name: 'redis', image };
  const metadata = { name: 'redis-0', labels: { app: 'redis' }, annotations: {} };
  const spec = { containers: [container], volumes: [] };
  const parts: Parts = { container, metadata, spec };
  STARTS[start].set(container, server);
  if (container.volumeMounts?.[0]?.name === 'config') {
    parts.spec.volumes.push({ name: 'config', configMap: { name: 'redis-config' } });
  }
  const found: Start = STARTS[start];
  PASSWORDS[password]?.set(parts, found.add);
  const names = AXES.map((axis) => {
    const all = Object.entries(axis);
    const [name, vary] = all[at % all.length] ?? ['', () => {}];
    vary(parts, found.add, kind);
    return name;
  });
  const name = [family, start, password, ...names].join('.');
  return { name, pod: JSON.parse(JSON.stringify({ metadata, spec })) as Pod };
}

export function goldenPods(): readonly GoldenPod[] {
  let at = 0;
  return Object.entries(FAMILIES).flatMap(([family, { kind, starts }]) =>
    starts.flatMap((start) =>
      Object.entries(PASSWORDS)
        .filter(([, { words, only }]) => {
          const takesWords = (STARTS[start] as Start).add !== undefined;
          return (words !== true || takesWords) && (only === undefined || only === kind);
        })
        .map(([password]) => build(family, start, password, at++)),
    ),
  );
}
