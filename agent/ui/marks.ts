// Each state has a word and a shape, beside its colour: who sees no colours loses nothing.

import { html, type Markup } from './html.ts';
import { isLeading, leadersOf } from './leaders.ts';
import type { GroupView, Health, MemberView } from '../../src/group-view.ts';

/** What a colour and a shape stand for. */
export type Tone = 'good' | 'warn' | 'bad' | 'unknown';

const HEALTH_TONES: Readonly<Record<Health, Tone>> = {
  healthy: 'good',
  degraded: 'warn',
  critical: 'bad',
};

export function healthTone(health: Health): Tone {
  return HEALTH_TONES[health];
}

const GOOD = new Set(['writable', 'streaming']);
const BAD = new Set(['refuses writes', 'not answering', 'no agent', 'not leading']);

/** Of two that lead neither is fine, however well each is. */
export function memberTone(view: GroupView, member: MemberView): Tone {
  const { state, role } = member;
  if (isLeading(member) && leadersOf(view).length > 1) return 'bad';
  if (GOOD.has(state)) return 'good';
  if (BAD.has(state)) return 'bad';
  return role === 'unknown' ? 'unknown' : 'warn';
}

/** A disc with a tick, a triangle, an octagon, a dashed ring. */
export function toneMark(tone: Tone): Markup {
  return html`<svg class="mark tone-${tone}" viewBox="0 0 16 16" aria-hidden="true">
    ${SHAPES[tone]()}
  </svg>`;
}

const SHAPES: Readonly<Record<Tone, () => Markup>> = {
  good: () => html`<g
    ><circle class="fill" cx="8" cy="8" r="7.5" /><path class="sign" d="M4.5 8.5 7 11l4.5-5.5"
  /></g>`,
  warn: () => html`<g
    ><path class="fill" d="M8 .5 15.8 15H.2Z" /><path class="sign" d="M8 5.5v5M8 12v1.5"
  /></g>`,
  bad: () => html`<g
    ><path class="fill" d="M5 .5h6L15.5 5v6L11 15.5H5L.5 11V5Z" /><path
      class="sign"
      d="m5 5 6 6m0-6-6 6"
  /></g>`,
  unknown: () => html`<circle class="ring" cx="8" cy="8" r="6.5" />`,
};

const ROLE_MARKS: Readonly<Record<string, string>> = { master: '◆', replica: '○', limbo: '◌' };

export function roleMark(role: string): string {
  return ROLE_MARKS[role] ?? '?';
}
