import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { labelValues, metricDefinitions } from '@image-pipeline/shared/metric-definitions.ts';
import type { MetricDefinition } from '@image-pipeline/shared/metric-definitions/definition.ts';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { type PanelQuery, promqlOf } from '../../monitoring/grafana/dashboard.ts';
import { dashboards } from '../../monitoring/grafana/dashboards.ts';
import { foreignMetrics } from '../../testing/foreign-metrics.ts';
import { metricsIn } from '../../testing/promql.ts';
import { alertRules } from '../../testing/prometheus-files.ts';
import { selectorsIn } from '../../testing/promql.ts';
import { type LiveSystem, startLiveSystem } from './testing/live-system.ts';
import { PrometheusClient } from './testing/prometheus-client.ts';
import { Traffic } from './testing/traffic.ts';

const programs = inject('prometheus');
const definitions = Object.entries<MetricDefinition>(metricDefinitions);
const boundedLabels = new Map(Object.entries(labelValues));
const services = ['api', 'worker', 'notification', 'monitoring'] as const;
const FIRING = 'ALERTS{alertstate="firing"}';
const isUp = (job: string) => `${job}: up`;
/** Prometheus scrapes every 5 s, rates need two scrapes, and the machine may be busy. */
const scraped = { timeout: 90_000, interval: 1_000 };
/** The alert must hold for a minute before it fires. */
const alerted = { timeout: 110_000, interval: 1_000 };

const queries = dashboards.flatMap(({ title, rows }) =>
  Object.values(rows)
    .flat()
    .flatMap((panel) => panel.queries.map((query) => ({ where: `${title}: ${panel.title}`, query }))),
);
/** Queries of firing alerts, of which a healthy system has none. */
const alertQueries = queries.filter(({ query }) => metricsIn(query.expr).includes('ALERTS'));
const labelsOf = ({ legend }: PanelQuery) =>
  [...legend.matchAll(/{{(\w+)}}/g)].map(([, label = '']) => label);

describe.skipIf(programs === null)('the local system with Prometheus', { timeout: 120_000 }, () => {
  const cleanup = new AsyncDisposableStack();
  let system: LiveSystem;
  let prometheus: PrometheusClient;

  beforeAll(async () => {
    const env = {
      WORKERS: '1',
      MAX_CONCURRENT_JOBS: '1',
      STATUS_UPDATE_INTERVAL: '2',
      WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
      WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
    };
    system = cleanup.use(await startLiveSystem(programs?.server ?? '', env));
    prometheus = new PrometheusClient(await system.url('prometheus'));
    const traffic = await Traffic.start(await system.url('api'), await system.url('notification'));
    cleanup.defer(() => traffic.stop());
  }, 120_000);
  afterAll(() => cleanup.disposeAsync());

  it('has every service as a target, also workers that are added later', async () => {
    const jobs = ['api', 'monitoring', 'notification', 'rabbitmq', 'rabbitmq-queues', 'worker'].map(isUp);
    await system.supervisor.withWorkers((workers) => workers.scale(2));
    const both = [...jobs, isUp('worker')].toSorted();
    await vi.waitFor(async () => expect(await prometheus.targets()).toEqual(both), scraped);
    await system.supervisor.withWorkers((workers) => workers.scale(1));
    await vi.waitFor(async () => expect(await prometheus.targets()).toEqual(jobs.toSorted()), scraped);
  });

  /** Queries without data, or without the labels of their legend; their `otherwise` does not count. */
  const withoutData = async (some: typeof queries) => {
    const empty: string[] = [];
    for (const { where, query } of some) {
      const known = (await prometheus.samples(query.expr)).filter(({ value }) => Number.isFinite(value));
      const named = known.filter(({ labels }) => labelsOf(query).every((label) => Boolean(labels[label])));
      if (named.length === 0 || named.length < known.length) empty.push(`${where}: ${query.expr}`);
    }
    return empty;
  };

  it('has data for every query of every panel', async () => {
    const others = queries.filter((one) => !alertQueries.includes(one));
    await vi.waitFor(async () => expect(await withoutData(others)).toEqual([]), scraped);
  });

  it('has data for the alternative that a panel shows while its query has none', async () => {
    const instead = queries.filter(({ query }) => query.otherwise !== undefined);
    expect(instead).not.toEqual([]);
    for (const { where, query } of instead) {
      const nothing = { ...query, expr: `(${query.expr}) unless on () vector(1)` };
      const shown = await prometheus.samples(promqlOf(nothing));
      const labels = Object.fromEntries(labelsOf(query).map((label) => [label, 'none']));
      expect(
        shown.map((sample) => sample.labels),
        where,
      ).toEqual([labels]);
    }
  });

  it('has a series for every selector of panels and alerts', async () => {
    const ofPanels = queries.map(({ where, query }) => ({ where, expr: promqlOf(query) }));
    const ofRules = alertRules().map(({ alert, expr }) => ({ where: alert, expr }));
    for (const { where, expr } of [...ofPanels, ...ofRules])
      for (const selector of selectorsIn(expr).filter((one) => !one.startsWith('ALERTS')))
        await vi.waitFor(
          async () => expect(await prometheus.values(selector), `${where}: ${selector}`).not.toEqual([]),
          scraped,
        );
  });

  it('evaluates every alert, and none fires', async () => {
    await vi.waitFor(async () => {
      const rules = await prometheus.rules();
      expect(rules.map(({ name }) => name)).toEqual(alertRules().map(({ alert }) => alert));
      for (const { name, health, lastError } of rules)
        expect(health, `${name}: ${lastError ?? ''}`).toBe('ok');
    }, scraped);
    expect(await prometheus.samples(FIRING)).toEqual([]);
  });

  it.each(services)('exposes exactly the defined metrics on the /metrics of %s', async (service) => {
    const url = await system.url(service === 'worker' ? 'worker-1' : service);
    const text = await (await fetch(`${url}/metrics`)).text();
    const exposed = readExposition(text).filter(({ name }) => /^(image|rabbitmq)_/.test(name));
    const own = definitions.filter(([, definition]) => definition.services.includes(service));
    expect(Object.fromEntries(exposed.map(({ name, type }) => [name, type]))).toEqual(
      Object.fromEntries(own.map(([name, { type }]) => [name, type])),
    );
    for (const { name, labels } of exposed) {
      const allowed = own.find(([known]) => known === name)?.[1].labels ?? [];
      const values = boundedLabels.get(name) ?? {};
      for (const sample of labels) {
        // Each bucket of a histogram has the label `le`.
        const names = Object.keys(sample).filter((label) => label !== 'le');
        expect(names, name).toEqual(allowed);
        for (const label of names)
          if (values[label] !== undefined) expect(values[label], name).toContain(sample[label]);
      }
    }
  });

  it.each(['node', 'rabbitmq', 'rabbitmq-queues'] as const)(
    'has every metric of %s that dashboards and alerts use',
    async (from) => {
      const job = from === 'node' ? services.join('|') : from;
      for (const name of foreignMetrics[from])
        expect(await prometheus.values(`count(${name}{job=~"${job}"})`), name).toHaveLength(1);
    },
  );

  it('fires one alert when all workers are stopped, and resolves it when one starts', async () => {
    const firing = async () => (await prometheus.samples(FIRING)).map(({ labels }) => labels);
    expect(alertQueries).not.toEqual([]);
    await system.supervisor.withWorkers((workers) => workers.scale(0));
    await vi.waitFor(
      async () =>
        expect(await firing()).toMatchObject([{ alertname: 'NoConsumers', queue: queueNames.process }]),
      alerted,
    );
    expect(await withoutData(alertQueries)).toEqual([]);
    await system.supervisor.withWorkers((workers) => workers.scale(1));
    await vi.waitFor(async () => expect(await firing()).toEqual([]), alerted);
  }, 240_000);
});

/** A metric that a service exposes. */
interface ExposedMetric {
  readonly name: string;
  readonly type: string;
  /** The labels of every sample. */
  readonly labels: readonly Readonly<Record<string, string>>[];
}

const TYPE = /^# TYPE (\S+) (\S+)$/gm;
const LABEL = /(\w+)="([^"]*)"/g;

/** Parses Prometheus' text format. @see https://prometheus.io/docs/instrumenting/exposition_formats/ */
function readExposition(text: string): ExposedMetric[] {
  return [...text.matchAll(TYPE)].map(([, name = '', type = '']) => {
    const suffix = type === 'histogram' ? '_(?:bucket|sum|count)' : '';
    const samples = text.matchAll(new RegExp(`^${name}${suffix}(?:\\{(.*)\\})? `, 'gm'));
    const labels = [...samples].map(([, inside = '']) =>
      Object.fromEntries([...inside.matchAll(LABEL)].map(([, label = '', value = '']) => [label, value])),
    );
    return { name, type, labels };
  });
}
