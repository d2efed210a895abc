// The manifests that are written by hand (manifests/base), with the place of each node in their text.

import { readFileSync } from 'node:fs';
import { isMap, isNode, isPair, isScalar, type Node, type Pair, parse, parseDocument } from 'yaml';

/** Where kustomize puts the base; a release of helm has a namespace of its own. */
export const SYSTEM_NAMESPACE = 'redis-orchestrator-system';

const folder = new URL('../../manifests/base/', import.meta.url);

function read(file: string): string {
  return readFileSync(new URL(file, folder), 'utf8');
}

/** What kustomize installs, but for the namespace, which is helm's own business. */
export function baseFiles(): readonly string[] {
  const { resources } = parse(read('kustomization.yaml')) as { resources: readonly string[] };
  return resources.filter((file) => file !== 'namespace.yaml');
}

export type Source = {
  readonly file: string;
  readonly text: string;
  readonly kind: string;
  readonly root: Node;
};

/** The documents of one file, each with offsets of its own. */
export function sourcesOf(file: string): readonly Source[] {
  return read(file)
    .split(/^---\n/m)
    .map((text) => {
      const { contents, errors } = parseDocument(text);
      if (errors.length > 0 || !isMap(contents)) throw new Error(`${file}: ${errors.join('; ')}`);
      return { file, text, kind: String(contents.get('kind')), root: contents };
    });
}

export type Place = {
  /** Absent for an item of a list. */
  readonly key: Node | undefined;
  readonly value: Node;
};

function child(parent: Node, step: string): Place | undefined {
  if (isMap(parent)) {
    const pair = parent.items.find(
      (each): each is Pair<Node, Node> =>
        isPair(each) && isScalar(each.key) && String(each.key.value) === step,
    );
    return pair === undefined ? undefined : { key: pair.key, value: pair.value as Node };
  }
  const value = 'items' in parent && Array.isArray(parent.items) && parent.items[Number(step)];
  return isNode(value) ? { key: undefined, value } : undefined;
}

/** The node at a JSON pointer. */
export function placeAt(source: Source, pointer: string): Place {
  let place: Place = { key: undefined, value: source.root };
  for (const step of pointer.split('/').slice(1)) {
    const next = child(place.value, step);
    if (next === undefined) throw new Error(`${source.file}: has no ${pointer}`);
    place = next;
  }
  return place;
}

/** The value in the base that `FILE#/POINTER` names. */
export function baseValue(reference: string): unknown {
  const [file = '', pointer = ''] = reference.split('#');
  const [source] = sourcesOf(file);
  if (source === undefined) throw new Error(`${file}: is empty`);
  return (placeAt(source, pointer).value as Node & { toJSON(): unknown }).toJSON();
}
