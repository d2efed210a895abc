// Markup as tagged templates. What is put in is text or other markup, never HTML: nothing that a pod is called or
// says can become an element.

import htm from 'htm';
import { h, type VNode } from 'preact';

type Handler = (event: Event) => void;
type Value = string | number | boolean | null | undefined | Handler | VNode | readonly VNode[];

const parse = htm.bind(h);

export type Markup = VNode;

/** For templates with one element at the top, as all of ours have. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const made = parse(strings, ...values);
  if (Array.isArray(made)) throw new Error('a template has more than one element at its top');
  return made;
}
