import {
  AnnotationQueryBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  RowBuilder,
  type DashboardLink,
  type Panel as GrafanaPanel,
  type RowPanel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { buildPanel, DATASOURCE } from './build-panel.ts';
import type { Dashboard, Panel } from './dashboard.ts';
import { pipeline } from './pipeline.ts';
import { rabbitmq } from './rabbitmq.ts';
import { workersAndQueues } from './workers-and-queues.ts';

export const dashboards: readonly Dashboard[] = [pipeline, workersAndQueues, rabbitmq];

/** Tag of all dashboards, which link to each other by it. */
const TAG = 'image-pipeline';
/** Version of the format; Grafana also reads older ones. */
const SCHEMA_VERSION = 42;
/** Grafana's grid. */
const COLUMNS = 24;

/** The dashboard in Grafana's format. */
export function buildDashboard({ uid, title, description, rows }: Dashboard) {
  return {
    uid,
    title,
    description,
    tags: [TAG],
    schemaVersion: SCHEMA_VERSION,
    editable: false,
    timezone: 'browser',
    time: { from: 'now-15m', to: 'now' },
    refresh: '5s',
    graphTooltip: DashboardCursorSync.Crosshair,
    links: [linkToOthers()],
    annotations: { list: [firingAlerts().build()] },
    templating: { list: [] },
    panels: layOut(rows),
  };
}

/** Above the panels: the builder's own placement hides it in a menu. */
function linkToOthers(): DashboardLink {
  const link = new DashboardLinkBuilder('Image pipeline')
    .type(DashboardLinkType.Dashboards)
    .tags([TAG])
    .keepTime(true)
    .build();
  delete link.placement;
  return link;
}

/** Places the panels from left to right, in lines; each row starts with its title. */
function layOut(rows: Dashboard['rows']): (RowPanel | GrafanaPanel)[] {
  const placed: (RowPanel | GrafanaPanel)[] = [];
  let y = 0;
  for (const [title, panels] of Object.entries(rows)) {
    placed.push(
      new RowBuilder(title)
        .id(placed.length + 1)
        .gridPos({ x: 0, y, w: COLUMNS, h: 1 })
        .build(),
    );
    y += 1;
    let x = 0;
    for (const [index, panel] of panels.entries()) {
      const { w, h } = sizeOf(panel);
      placed.push(buildPanel(panel, placed.length + 1, { x, y, w, h }));
      x += w;
      if (x + w <= COLUMNS && index < panels.length - 1) continue;
      x = 0;
      y += h;
    }
  }
  return placed;
}

const sizeOf = ({ kind }: Panel) => (kind === 'stat' ? { w: 4, h: 5 } : { w: 8, h: 8 });

/** Marks firing alerts in every graph. */
function firingAlerts(): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name('Alerts')
    .datasource(DATASOURCE)
    .enable(true)
    .hide(false)
    .iconColor('red')
    .expr('ALERTS{alertstate="firing"}')
    .step('15s')
    .titleFormat('{{alertname}}')
    .textFormat('{{severity}} {{instance}} {{queue}}');
}

/** The content of the file for Grafana. */
export function dashboardFile(dashboard: Dashboard): string {
  return `${JSON.stringify(buildDashboard(dashboard), null, 2)}\n`;
}
