// Chart.yaml: the version of the chart is the product's.

import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

const root = new URL('../../', import.meta.url);

/** The oldest release that the product is tested on (scripts/test --kubernetes). */
const KUBERNETES_MIN = '1.28';

export function chartFile(): string {
  const text = readFileSync(new URL('package.json', root), 'utf8');
  const { version, description } = JSON.parse(text) as Readonly<Record<string, string>>;
  const base = readFileSync(new URL('manifests/base/kustomization.yaml', root), 'utf8');
  const { images } = parse(base) as { readonly images: readonly { readonly newTag: string }[] };
  if (images.some(({ newTag }) => newTag !== version)) {
    throw new Error(`manifests/base/kustomization.yaml: the images are not of version ${version}`);
  }
  const chart = {
    apiVersion: 'v2',
    name: 'redis-orchestrator',
    description,
    type: 'application',
    version,
    appVersion: version,
    kubeVersion: `>=${KUBERNETES_MIN}.0-0`,
  };
  return `# Made by scripts/chart.mjs: change it there.\n${stringify(chart, { lineWidth: 0 })}`;
}
