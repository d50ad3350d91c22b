import { labelValues } from '@image-pipeline/shared/metric-label-values.ts';
import { metricDefinitions } from '@image-pipeline/shared/metric-definitions.ts';
import type { MetricDefinition } from '@image-pipeline/shared/metric-definitions/definition.ts';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { dashboards } from '../../monitoring/grafana/dashboards.ts';
import { foreignMetrics } from '../../monitoring/prometheus/foreign-metrics.ts';
import { alertRules } from '../../monitoring/testing/prometheus-files.ts';
import { readExposition } from './testing/exposition.ts';
import { startLiveSystem, type LiveSystem } from './testing/live-system.ts';
import { PrometheusClient } from './testing/prometheus-client.ts';
import { Traffic } from './testing/traffic.ts';

const programs = inject('prometheus');
const definitions = Object.entries<MetricDefinition>(metricDefinitions);
const boundedLabels = new Map(Object.entries(labelValues));
const services = ['api', 'worker', 'notification', 'monitoring'] as const;
const isUp = (job: string) => `${job}: up`;
/** A scrape every 5 s, and rates need two; on a machine that does much besides. */
const patiently = { timeout: 90_000, interval: 1_000 };

const queries = dashboards.flatMap(({ title, rows }) =>
  rows.flatMap((row) =>
    row.panels.flatMap((panel) =>
      panel.queries.map(({ expr }) => ({ where: `${title}: ${panel.title}`, expr })),
    ),
  ),
);

describe.skipIf(programs === null)('the local system with Prometheus', { timeout: 120_000 }, () => {
  let system: LiveSystem;
  let traffic: Traffic;
  let prometheus: PrometheusClient;

  beforeAll(async () => {
    system = await startLiveSystem(programs?.server ?? '', {
      WORKERS: '1',
      MAX_CONCURRENT_JOBS: '1',
      STATUS_UPDATE_INTERVAL: '2',
      WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
      WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
    });
    prometheus = new PrometheusClient(await system.url('prometheus'));
    traffic = await Traffic.start(await system.url('api'), await system.url('notification'));
  }, 120_000);
  afterAll(async () => {
    await traffic.stop();
    await system[Symbol.asyncDispose]();
  });

  it('is asked as a whole, and a worker that comes is asked, too', async () => {
    const jobs = ['api', 'monitoring', 'notification', 'rabbitmq', 'rabbitmq-queues', 'worker'].map(isUp);
    await system.supervisor.withWorkers((workers) => workers.scale(2));
    const both = [...jobs, isUp('worker')].toSorted();
    await vi.waitFor(async () => expect(await prometheus.targets()).toEqual(both), patiently);
    await system.supervisor.withWorkers((workers) => workers.scale(1));
    await vi.waitFor(async () => expect(await prometheus.targets()).toEqual(jobs.toSorted()), patiently);
  });

  it('has data for every query of every panel', async () => {
    await vi.waitFor(async () => {
      const empty: string[] = [];
      for (const { where, expr } of queries) {
        if (!(await prometheus.values(expr)).some(Number.isFinite)) empty.push(`${where}: ${expr}`);
      }
      expect(empty).toEqual([]);
    }, patiently);
  });

  it('evaluates every alert; of them, only dead letters may fire, as every other job here fails', async () => {
    await vi.waitFor(async () => {
      const rules = await prometheus.rules();
      expect(rules.map(({ name }) => name)).toEqual(alertRules().map(({ alert }) => alert));
      for (const { name, health, lastError } of rules)
        expect(health, `${name}: ${lastError ?? ''}`).toBe('ok');
    }, patiently);
    expect(await prometheus.values('ALERTS{alertstate="firing", alertname!="DeadLettersGrowing"}')).toEqual(
      [],
    );
  });

  it.each(services)(
    'exposes on the /metrics of %s what the registry says, and nothing else',
    async (service) => {
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
          // A histogram's own label, of each bucket.
          const names = Object.keys(sample).filter((label) => label !== 'le');
          expect(names, name).toEqual(allowed);
          for (const label of names)
            if (values[label] !== undefined) expect(values[label], name).toContain(sample[label]);
        }
      }
    },
  );

  it.each(['node', 'rabbitmq', 'rabbitmq-queues'] as const)(
    'has the metrics of %s that are used',
    async (from) => {
      const job = from === 'node' ? services.join('|') : from;
      for (const name of foreignMetrics[from])
        expect(await prometheus.values(`count(${name}{job=~"${job}"})`), name).toHaveLength(1);
    },
  );
});
