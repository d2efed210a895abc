// The Lease: who holds it, and for how long it stands if nobody renews it any more.

import { html, type Markup } from './html.ts';
import { spanText } from './text.ts';
import type { GroupView } from '../../src/group-view.ts';

const BAR = { width: 240, height: 12 } as const;

/** `sinceMs`: since the view came; the Lease has grown older by it. */
export function leasePart({ lease, route }: GroupView, sinceMs: number): Markup {
  return html`<section aria-labelledby="lease-title">
    <h2 id="lease-title">Lease and route</h2>
    ${lease === null ? html`<p>The group has no Lease.</p>` : validity(lease, sinceMs)}
    <ul class="plain">
      ${route.map(
        ({ service, kind, ok, detail }) =>
          html`<li key=${service}>
            <span aria-hidden="true">${ok ? '✔' : '✖'}</span> Service ${service} (by ${kind}):
            ${ok ? ' leads to the master' : ` ${detail}`}
          </li>`,
      )}
    </ul>
  </section>`;
}

function validity(lease: NonNullable<GroupView['lease']>, sinceMs: number): Markup {
  const ageMs = lease.ageMs + sinceMs;
  const leftMs = Math.max(0, lease.waitMs - ageMs);
  const width = BAR.width * (lease.waitMs > 0 ? leftMs / lease.waitMs : 0);
  const holder = lease.holder === null ? 'held by nobody' : `held by ${lease.holder}`;
  const left = leftMs === 0 ? 'may be taken over' : `stands for ${spanText(leftMs)} more`;
  return html`<div>
    <p>
      <strong>${holder}</strong>, term ${lease.term}; changed ${spanText(ageMs)} ago, ${left}
      ${' '}(others wait ${spanText(lease.waitMs)}${lease.profile === null ? '' : `, profile ${lease.profile}`})
    </p>
    <svg class="bar" preserveAspectRatio="xMinYMid" viewBox="0 0 ${BAR.width} ${BAR.height}" aria-hidden="true">
      <rect class="ground" width=${BAR.width} height=${BAR.height} rx="3" />
      <rect class="left" width=${width.toFixed(1)} height=${BAR.height} rx="3" />
    </svg>
  </div>`;
}
