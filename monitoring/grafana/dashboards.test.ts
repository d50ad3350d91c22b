import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { metricDefinitions } from '@image-pipeline/shared/metric-definitions.ts';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { foreignMetrics } from '../../testing/foreign-metrics.ts';
import { metricsIn, windowsIn } from '../../testing/promql.ts';
import { alertRules, prometheusConfig } from '../../testing/prometheus-files.ts';
import { buildDashboard, dashboardFile, dashboards } from './dashboards.ts';
import { buildPanel, DATASOURCE } from './build-panel.ts';
import { promqlOf } from './dashboard.ts';

const known = new Set<string>(Object.values(foreignMetrics).flat());
for (const [name, { type }] of Object.entries(metricDefinitions)) {
  const series = type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name];
  for (const one of series) known.add(one);
}
const unknownIn = (expr: string) => metricsIn(expr).filter((name) => !known.has(name));

const panels = dashboards.flatMap(({ rows }) => Object.values(rows).flat());
const panelCases = panels.map((panel) => [panel.title, panel] as const);

describe('dashboards', () => {
  it('match their generated files (npm run docs)', async () => {
    const folder = join(import.meta.dirname, 'dashboards');
    expect((await readdir(folder)).toSorted()).toEqual(dashboards.map(({ uid }) => `${uid}.json`).toSorted());
    for (const dashboard of dashboards)
      expect(await readFile(join(folder, `${dashboard.uid}.json`), 'utf8')).toBe(dashboardFile(dashboard));
  });

  it.each(panelCases)(
    'the panel %s has a description and a unit, and uses metrics that exist',
    (_title, panel) => {
      expect(panel.title).not.toBe('');
      expect(panel.description.length).toBeGreaterThan(10);
      expect(panel.unit).not.toBe('');
      for (const query of panel.queries) {
        expect(unknownIn(promqlOf(query))).toEqual([]);
        expect(query.legend).not.toBe('');
      }
      const legends = panel.queries.map(({ legend }) => legend);
      expect(new Set(legends).size).toBe(legends.length);
    },
  );

  it('use windows of at least four scrapes', () => {
    const { scrape_interval } = prometheusConfig().global;
    expect(scrape_interval).toBe('5s');
    const allowed = ['$__rate_interval', '5m'];
    for (const query of panels.flatMap(({ queries }) => queries))
      expect(allowed).toEqual(expect.arrayContaining(windowsIn(promqlOf(query))));
  });

  it('draw bars at least four scrapes wide, so that no event is in two of them', () => {
    const bars = panels.filter(({ kind }) => kind === 'bars');
    expect(bars).not.toEqual([]);
    const scrapeSeconds = Number.parseInt(prometheusConfig().global.scrape_interval, 10);
    for (const panel of bars) {
      const { interval = '' } = buildPanel(panel, 1, { x: 0, y: 0, w: 8, h: 8 });
      expect(interval).toMatch(/^\d+s$/);
      expect(Number.parseInt(interval, 10)).toBeGreaterThanOrEqual(4 * scrapeSeconds);
    }
  });

  it('include the home page of Grafana', async () => {
    const compose = await readFile(join(import.meta.dirname, '../../docker-compose.yml'), 'utf8');
    const [, home = ''] =
      /DEFAULT_HOME_DASHBOARD_PATH: \/etc\/grafana\/dashboards\/(\S+)\.json/.exec(compose) ?? [];
    expect(dashboards.map(({ uid }) => uid)).toContain(home);
  });

  it('link to each other above their panels, not in a menu', () => {
    for (const dashboard of dashboards) {
      const { links, tags } = buildDashboard(dashboard);
      expect(links).toMatchObject([{ type: 'dashboards', tags }]);
      expect(links[0]).not.toHaveProperty('placement');
    }
  });

  it('draw thresholds in graphs', () => {
    const withRed = panels.filter(({ kind, redFrom }) => kind !== 'stat' && redFrom !== undefined);
    expect(withRed).not.toEqual([]);
    for (const panel of withRed) {
      expect(buildPanel(panel, 1, { x: 0, y: 0, w: 8, h: 8 })).toMatchObject({
        fieldConfig: {
          defaults: {
            custom: { thresholdsStyle: { mode: 'line' } },
            thresholds: { steps: [{ color: 'green' }, { value: panel.redFrom, color: 'red' }] },
          },
        },
      });
    }
  });

  it('have no overlapping panels', () => {
    for (const dashboard of dashboards) {
      const cells = buildDashboard(dashboard).panels.flatMap(({ gridPos }) => {
        const { x, y, w, h } = gridPos ?? { x: 0, y: 0, w: 0, h: 0 };
        expect(x + w).toBeLessThanOrEqual(24);
        return Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`);
      });
      expect(new Set(cells).size).toBe(cells.length);
    }
  });

  it('use the provisioned datasource, which has the scrape interval of Prometheus', async () => {
    const { datasources } = z
      .object({
        datasources: z.array(
          z.object({ type: z.string(), uid: z.string(), jsonData: z.object({ timeInterval: z.string() }) }),
        ),
      })
      .parse(parse(await readFile(join(import.meta.dirname, 'datasources.yml'), 'utf8')));
    const { scrape_interval: timeInterval } = prometheusConfig().global;
    expect(datasources).toEqual([{ ...DATASOURCE, jsonData: { timeInterval } }]);
  });
});

describe('alerts', () => {
  it.each(alertRules().map((rule) => [rule.alert, rule.expr] as const))(
    '%s uses metrics that exist',
    (_alert, expr) => {
      expect(unknownIn(expr)).toEqual([]);
    },
  );
});

describe('metricsIn', () => {
  it('finds metrics, but neither labels nor functions', () => {
    expect(metricsIn('sum by (le) (rate(a_total{b="c_total"}[5m])) / on (d) max(e)')).toEqual([
      'a_total',
      'e',
    ]);
  });

  it('rejects invalid PromQL', () => {
    expect(() => metricsIn('sum(rate(a_total[5m])')).toThrow('invalid PromQL');
  });
});
