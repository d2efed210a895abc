// The drawing of the group. The table beside it says the same in words, so that for a screen reader it is one picture
// with one sentence.

import { html, type Markup } from './html.ts';
import { isLeading } from './leaders.ts';
import { type Layout, layoutOf, NODE, type Place } from './layout.ts';
import { memberTone, roleMark, type Tone } from './marks.ts';
import { shortText } from './text.ts';
import { bytesText, placeText } from '../../src/figures.ts';
import type { GroupView, MemberView } from '../../src/group-view.ts';

const LINE_LENGTH = 36;
/** The frame around the nodes: their outlines have a width. */
const PAD = 4;

export function topology(view: GroupView): Markup {
  const layout = layoutOf(view);
  const [width, height] = [layout.width + 2 * PAD, layout.height + 2 * PAD];
  return html`<figure class="topology scroll" tabindex="0" aria-label="Drawing of the group">
    <svg
      viewBox="${-PAD} ${-PAD} ${width} ${height}"
      role="img"
      aria-label=${pictureText(view)}
      data-part="topology"
    >
      ${edges(view, layout)}
      ${layout.masters.length === 0 ? emptyPlace(layout.height) : null}
      ${[...layout.masters, ...layout.others].map((place) => node(view, place))}
    </svg>
    ${
      layout.left === 0
        ? null
        : html`<figcaption>and ${layout.left} more, in the table below</figcaption>`
    }
  </figure>`;
}

function pictureText({ members }: GroupView): string {
  const each = members.map(({ pod, role, state }) => `${pod}: ${role}, ${state}`);
  return `Drawing of the group. ${each.join('; ')}. The table of members tells more.`;
}

function middle(place: Place): number {
  return place.y + NODE.height / 2;
}

function edges(view: GroupView, { masters, others }: Layout): readonly Markup[] {
  const from = masters.find(({ member }) => member.pod === view.master?.pod);
  if (from === undefined) return [];
  return others.filter(({ member }) => member.role === 'replica').map((to) => edge(view, from, to));
}

const LINES: Readonly<Record<string, string>> = {
  streaming: 'solid',
  'catching up': 'dashed',
  syncing: 'dashed',
};

function edge(view: GroupView, from: Place, to: Place): Markup {
  const line = LINES[to.member.state] ?? 'broken';
  const [x1, y1, x2, y2] = [from.x + NODE.width, middle(from), to.x, middle(to)];
  const bend = (x1 + x2) / 2;
  // On the side that the line does not come from.
  const label = { x: x2 - 14, y: y2 > y1 ? y2 + 20 : y2 - 9 };
  const { behindBytes } = to.member;
  const path = `M${x1} ${y1}C${bend} ${y1} ${bend} ${y2} ${x2 - 8} ${y2}`;
  return html`<g key=${`edge ${to.member.uid}`} class="edge ${line} tone-${memberTone(view, to.member)}">
    <path class="line" d=${path} />
    <path class="tip" d=${`M${x2 - 1} ${y2}l-10-5v10Z`} />
    ${line === 'broken' ? html`<path class="cross" d=${`m${bend - 6} ${(y1 + y2) / 2 - 6} 12 12m0-12-12 12`} />` : null}
    <text x=${label.x} y=${label.y} text-anchor="end">
      ${behindBytes === null ? 'behind: not known' : `${bytesText(behindBytes)} behind`}
    </text>
  </g>`;
}

function emptyPlace(height: number): Markup {
  const y = (height - NODE.height) / 2;
  return html`<g class="node tone-bad">
    <rect class="box dashed" x="0" y=${y} width=${NODE.width} height=${NODE.height} rx="8" />
    <text class="name" x="16" y=${y + 44}>✕ no master</text>
  </g>`;
}

/** The outline tells the role, the word beside it the state: double for a master, dashed for who is not heard. */
function node(view: GroupView, { member, x, y }: Place): Markup {
  const { uid, pod, role, state } = member;
  const tone: Tone = memberTone(view, member);
  const isMaster = role === 'master';
  const outline = tone === 'unknown' || role === 'limbo' ? 'dashed' : 'plain';
  const { width, height } = NODE;
  // Keyed by its role, too: a new role is a new element, which comes in with a flash.
  return html`<g key=${`${uid} ${role}`} class="node role-${role} tone-${tone}" transform=${`translate(${x} ${y})`}>
    <title>${member.problem ?? `${pod}: ${role}, ${state}`}</title>
    <rect class="box ${outline}" width=${width} height=${height} rx="8" />
    ${isMaster ? html`<rect class="inner" x="4" y="4" width=${width - 8} height=${height - 8} rx="5" />` : null}
    <text class="name" x="16" y="27">${roleMark(role)} ${shortText(pod, 24)}</text>
    <text x="16" y="46">${shortText(`${role} · ${state}`, LINE_LENGTH)}</text>
    <text class="small" x="16" y="63">${shortText(thirdLine(view, member), LINE_LENGTH + 4)}</text>
  </g>`;
}

function thirdLine({ lease, paused }: GroupView, member: MemberView): string {
  if (member.pod === lease?.holder) return `holds the Lease, term ${lease.term}`;
  if (member.problem !== null) return member.problem;
  if (isLeading(member)) return 'leads without the Lease';
  if (member.role !== 'replica') return '';
  if (member.next === null) return 'does not take over';
  return `takes over ${placeText(member.next)}${paused === null ? '' : ', once resumed'}`;
}
