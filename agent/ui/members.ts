// The table of members: all that the drawing shows, and the lag of the last five minutes.

import { html, type Markup } from './html.ts';
import { type Lag, lagPath, type Sample, worstOf } from './lag.ts';
import { memberTone, roleMark, toneMark } from './marks.ts';
import { bytesText, countText, placeText } from '../../src/figures.ts';
import type { GroupView, MemberView } from '../../src/group-view.ts';

const SPARK = { width: 120, height: 24 } as const;

export function membersTable(view: GroupView, lag: Lag, nowMs: number): Markup {
  // It scrolls by itself on a narrow screen, and by the keyboard, too.
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Table of members">
    <table data-part="members">
      <thead>
        <tr>
          ${['Pod', 'Role', 'State', 'Offset', 'Behind', 'Last 5 min', 'Takes over', 'Node'].map(
            (name) => html`<th scope="col" class=${NUMBERS.has(name) ? 'number' : ''}>${name}</th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${view.members.map((member) => row(view, member, lag.get(member.uid) ?? [], nowMs))}
      </tbody>
    </table>
  </div>`;
}

const NUMBERS = new Set(['Offset', 'Behind']);

function row(
  view: GroupView,
  member: MemberView,
  samples: readonly Sample[],
  nowMs: number,
): Markup {
  const { uid, pod, role, state, offset, behindBytes, node, address } = member;
  return html`<tr key=${uid} data-pod=${pod} data-role=${role}>
    <th scope="row" title=${address ?? 'no address yet'}>${pod}</th>
    <td><span class="glyph" aria-hidden="true">${roleMark(role)}</span> ${role}</td>
    <td>${toneMark(memberTone(view, member))} ${state}</td>
    <td class="number">${offset === null ? '–' : countText(offset)}</td>
    <td class="number">${behindBytes === null ? '–' : bytesText(behindBytes)}</td>
    <td>${role === 'master' ? '–' : spark(samples, nowMs)}</td>
    <td class="long">${takesOver(member)}</td>
    <td>${node ?? '–'}</td>
  </tr>`;
}

function takesOver({ role, next, problem }: MemberView): string {
  if (next !== null) return problem === null ? placeText(next) : `${placeText(next)} (${problem})`;
  if (role === 'master') return problem ?? '–';
  return problem === null ? 'no' : `no: ${problem}`;
}

function spark(samples: readonly Sample[], nowMs: number): Markup {
  const worst = worstOf(samples);
  if (worst === null) return html`<span>not known</span>`;
  const text = worst === 0 ? 'never behind' : `up to ${bytesText(worst)}`;
  return html`<span class="spark">
    <svg viewBox="0 0 ${SPARK.width} ${SPARK.height}" aria-hidden="true">
      <path class="ground" d=${`M0 ${SPARK.height - 0.5}H${SPARK.width}`} />
      <path class="lag" d=${lagPath(samples, nowMs, SPARK)} />
    </svg>
    <span class="small">${text}</span>
  </span>`;
}
