// A manifest's text as YAML documents (JSON is YAML). Each mistake is told with file, line and remedy.

import { type Document, isAlias, isCollection, LineCounter, parseAllDocuments, visit } from 'yaml';
import { messageOf } from '../../src/errors.ts';
import { kubectlTags } from './scalars.ts';

export type ParsedDocument = Document.Parsed;

export type Manifest = {
  readonly name: string;
  /** A byte order mark, which the library would count as a column. */
  readonly mark: string;
  readonly text: string;
  readonly documents: readonly ParsedDocument[];
  /** What each document says. */
  readonly values: readonly unknown[];
};

export type ParsedManifest =
  | { readonly ok: true; readonly manifest: Manifest }
  | { readonly ok: false; readonly errors: readonly string[] };

/** Of Helm and its like: what they leave of a manifest is no YAML, or YAML that means something else. */
const TEMPLATE =
  /\{\{-?\s*(?:[.$("]|\/\*|(?:if|else|end|range|with|include|template|define|tpl|toYaml)\b)/;
export const RENDER_FIRST =
  'render it first: helm template NAME CHART | redis-orchestrator COMMAND -f -';

export function isTemplate(text: string): boolean {
  return TEMPLATE.test(text);
}

/** `{{ .Values.x }}` without quotes: a map whose key is a map. */
function hasMapAsKey(documents: readonly ParsedDocument[]): boolean {
  let isFound = false;
  for (const document of documents) {
    visit(document, {
      Pair(_, { key }) {
        if (!isCollection(key)) return undefined;
        isFound = true;
        return visit.BREAK;
      },
    });
  }
  return isFound;
}

/** Errors of one file that are told: a broken line makes many follow. */
const ERRORS_MAX = 3;

export function readDocuments(text: string, lines?: LineCounter): ParsedDocument[] {
  const parsed = parseAllDocuments(text, {
    // Of YAML 1.1, and kubectl reads it.
    merge: true,
    customTags: kubectlTags,
    prettyErrors: false,
    ...(lines === undefined ? {} : { lineCounter: lines }),
  });
  return [...parsed] as ParsedDocument[];
}

export function parseManifest(name: string, whole: string): ParsedManifest {
  const mark = whole.startsWith('\ufeff') ? '\ufeff' : '';
  const text = whole.slice(mark.length);
  const lines = new LineCounter();
  const documents = readDocuments(text, lines);
  const errors: string[] = [];
  const fault = (offset: number, what: string, remedy: string): void => {
    const { line, col } = lines.linePos(offset);
    errors.push(`${name}:${line}:${col}: ${what}. Remedy: ${remedy}.`);
  };
  const template = TEMPLATE.exec(text);
  const isBroken = documents.some((document) => document.errors.length > 0);
  if (template !== null && (isBroken || hasMapAsKey(documents))) {
    fault(template.index, 'this is a template, not a manifest', RENDER_FIRST);
    return { ok: false, errors };
  }
  for (const { errors: broken } of documents) {
    for (const { pos, message } of broken) {
      fault(pos[0], `this is no valid YAML: ${message}`, 'correct this line; nothing was written');
    }
  }
  if (errors.length > 0) return { ok: false, errors: errors.slice(0, ERRORS_MAX) };
  const values = documents.map((document) => {
    try {
      return document.toJS() as unknown;
    } catch (error) {
      fault(aliasOffset(document), messageOf(error), 'write the values out instead of this alias');
      return undefined;
    }
  });
  if (errors.length > 0) return { ok: false, errors: errors.slice(0, ERRORS_MAX) };
  return { ok: true, manifest: { name, mark, text, documents, values } };
}

/** Where the first alias stands that leads nowhere. */
function aliasOffset(document: ParsedDocument): number {
  let offset = document.range[0];
  visit(document, {
    Alias(_, node) {
      if (node.resolve(document) !== undefined || !isAlias(node)) return undefined;
      offset = node.range?.[0] ?? offset;
      return visit.BREAK;
    },
  });
  return offset;
}
