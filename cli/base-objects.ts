// What an installation consists of: manifests/base, as kustomize applies it. The bundle has it baked in; from the
// sources it is what stands in the folder. So nothing that is installed is listed a second time.

import { readFileSync } from 'node:fs';
import { parse, parseAllDocuments } from 'yaml';
import { type Fields, isMap } from '../src/json.ts';

/** Where the base goes, unless somebody changes it. */
const NAMESPACE = 'redis-orchestrator-system';

export type BaseObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly value: Fields;
};

type Kustomization = {
  readonly resources: readonly string[];
  readonly images: readonly { readonly name: string; readonly newTag: string }[];
};

function fromFolder(): string {
  const read = (file: string): string =>
    readFileSync(new URL(`../manifests/base/${file}`, import.meta.url), 'utf8');
  const { resources, images } = parse(read('kustomization.yaml')) as Kustomization;
  const objects = resources.flatMap((file) =>
    parseAllDocuments(read(file)).map((document): unknown => document.toJS()),
  );
  return images.reduce(
    (text, { name, newTag }) => text.replaceAll(`"image":"${name}"`, `"image":"${name}:${newTag}"`),
    JSON.stringify(objects),
  );
}

/** JSON; for the build. */
export const BASE_TEXT: string = process.env['RO_BUILD_BASE'] ?? fromFolder();

/** As they would be in this namespace, a name of one: bindings and the webhook configuration name it, too. */
export function baseObjects(systemNamespace: string): readonly BaseObject[] {
  const objects = JSON.parse(BASE_TEXT.replaceAll(NAMESPACE, () => systemNamespace)) as unknown[];
  return objects.filter(isMap).map((value) => {
    const metadata = isMap(value['metadata']) ? value['metadata'] : {};
    const { apiVersion, kind } = value;
    return {
      apiVersion: String(apiVersion),
      kind: String(kind),
      name: String(metadata['name']),
      value,
    };
  });
}
