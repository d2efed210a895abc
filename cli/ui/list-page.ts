// The list of all groups, each a link to its page; with the words and the shapes of the page, and without a script.

import type { Health } from '../../src/group-view.ts';
import type { Listed, Looked } from './source.ts';

const MARKS: Readonly<Record<Health, string>> = { healthy: '✔', degraded: '▲', critical: '✖' };
const TONES: Readonly<Record<Health, string>> = {
  healthy: 'good',
  degraded: 'warn',
  critical: 'bad',
};

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Whatever a pod is called or says is text. */
function text(value: string | number): string {
  return String(value).replaceAll(/[&<>"']/g, (found) => ESCAPES[found] ?? '');
}

export function listPage({ looks, notes }: Listed): string {
  const table = looks.length === 0 ? '<p>There are no groups.</p>' : groupsTable(looks);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Groups · Redis Orchestrator</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
<div class="page">
<header><h1>Groups</h1><p class="small">As of the moment when this list was loaded. A group's own page is live.</p></header>
<main><section aria-label="Groups">
${table}
${notes.map((note) => `<p>not seen: ${text(note)}</p>`).join('\n')}
</section></main>
</div>
</body>
</html>
`;
}

function groupsTable(looks: readonly Looked[]): string {
  const names = ['Group', 'Health', 'Master', 'Term', 'Pods', 'Summary'];
  const heads = names.map((name) => `<th scope="col">${name}</th>`).join('');
  return `<div class="scroll" tabindex="0" role="region" aria-label="Table of groups"><table>
<thead><tr>${heads}</tr></thead>
<tbody>
${looks.map(row).join('\n')}
</tbody>
</table></div>`;
}

function row({ view, isKnown }: Looked): string {
  const { namespace, group, health, master, lease, members, summary } = view;
  const mark = isKnown ? MARKS[health] : '?';
  const tone = isKnown ? TONES[health] : 'unknown';
  const cells = [
    `<span class="word tone-${tone}"><span aria-hidden="true">${mark}</span> ${isKnown ? health : 'unknown'}</span>`,
    text(master?.pod ?? '–'),
    text(lease?.term ?? '–'),
    text(members.length),
    text(summary),
  ];
  const link = `<a href="${text(namespace)}/${text(group)}/">${text(namespace)}/${text(group)}</a>`;
  return `<tr><th scope="row">${link}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}
