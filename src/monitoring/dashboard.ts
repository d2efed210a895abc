// The Grafana dashboard, laid out from its panels.

import { type Panel, ROWS } from './panels.ts';

const COLUMNS = 24;
const HEIGHTS = { stat: 4, timeseries: 7, 'state-timeline': 8 } as const;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' } as const;

function panelJson(panel: Panel, id: number, x: number, y: number) {
  const { title, kind, width, unit, queries } = panel;
  return {
    id,
    type: kind,
    title,
    datasource: DATASOURCE,
    gridPos: { x, y, w: width, h: HEIGHTS[kind] },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: kind === 'stat' ? { reduceOptions: { calcs: ['lastNotNull'] } } : {},
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
    })),
  };
}

function panelsJson(): readonly object[] {
  const placed: object[] = [];
  let y = 0;
  for (const [title, panels] of Object.entries(ROWS)) {
    const row = { type: 'row', title, collapsed: false, panels: [] };
    placed.push({ id: placed.length + 1, ...row, gridPos: { x: 0, y, w: COLUMNS, h: 1 } });
    y += 1;
    let [x, height] = [0, 0];
    for (const panel of panels) {
      if (x + panel.width > COLUMNS) [x, y, height] = [0, y + height, 0];
      placed.push(panelJson(panel, placed.length + 1, x, y));
      x += panel.width;
      height = Math.max(height, HEIGHTS[panel.kind]);
    }
    y += height;
  }
  return placed;
}

function variable(name: string, query: string) {
  return {
    name,
    type: 'query',
    label: name,
    datasource: DATASOURCE,
    query: { query, refId: name },
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
    sort: 1,
  };
}

export function dashboard() {
  const info = 'redis_orchestrator_build_info';
  return {
    uid: 'redis-orchestrator',
    title: 'Redis Orchestrator',
    tags: ['redis-orchestrator'],
    schemaVersion: 39,
    editable: true,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' },
        variable('namespace', `label_values(${info}, namespace)`),
        variable('group', `label_values(${info}{namespace=~"$namespace"}, group)`),
      ],
    },
    panels: panelsJson(),
  };
}
