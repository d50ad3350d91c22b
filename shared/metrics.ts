import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { labelValues, metricDefinitions, type MetricName } from './metric-definitions.ts';
import { longBuckets, type MetricDefinition } from './metric-definitions/definition.ts';

/**
 * Sampling interval of the event loop lag in milliseconds; `nodejs_eventloop_lag_…` includes one interval. With
 * prom-client's 10 ms, sampling alone took 1 % of a core in each process.
 */
export const EVENT_LOOP_SAMPLING_SECONDS = 0.1;

/** Gauges of prom-client with the names of counters; other metrics have the same values, by type. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
] as const;

type Labels = Readonly<Record<string, string>>;

/** The metrics of one service, from the table, and those of Node. */
export interface Metrics {
  readonly contentType: string;
  increase(name: MetricName, labels?: Labels, by?: number): void;
  set(name: MetricName, value: number, labels?: Labels): void;
  /** Removes all values of a gauge: unknown is not the same as unchanged. */
  clear(name: MetricName): void;
  /** @param value in the unit of the name */
  observe(name: MetricName, value: number, labels?: Labels): void;
  /** Called before each rendering, for values that change without an event. */
  beforeRender(update: () => void): void;
  /** Prometheus text format. */
  render(): Promise<string>;
}

export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({
    register: registry,
    eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLING_SECONDS * 1_000,
  });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  const counters = new Map<MetricName, Counter>();
  const gauges = new Map<MetricName, Gauge>();
  const histograms = new Map<MetricName, Histogram>();
  const updates: (() => void)[] = [];
  for (const [key, definition] of Object.entries<MetricDefinition>(metricDefinitions)) {
    if (!definition.services.includes(service)) continue;
    const name = key as MetricName;
    const options = {
      name,
      help: definition.help,
      labelNames: [...definition.labels],
      registers: [registry],
    };
    if (definition.type === 'counter') counters.set(name, beginCounter(new Counter(options), name));
    else if (definition.type === 'gauge') gauges.set(name, silent(new Gauge(options), definition));
    else
      histograms.set(name, new Histogram({ ...options, buckets: [...(definition.buckets ?? longBuckets)] }));
  }
  return {
    contentType: registry.contentType,
    increase: (name, labels = {}, by = 1) => required(counters, name, service).inc(labels, by),
    set: (name, value, labels = {}) => required(gauges, name, service).set(labels, value),
    clear: (name) => {
      const gauge = required(gauges, name, service);
      gauge.reset();
      silent(gauge, metricDefinitions[name]);
    },
    observe: (name, value, labels = {}) => required(histograms, name, service).observe(labels, value),
    beforeRender: (update) => void updates.push(update),
    render: () => {
      for (const update of updates) update();
      return registry.metrics();
    },
  };
}

/** prom-client starts a metric without labels at 0; remove it so that it is not exposed until it is set. */
function silent<Metric extends Counter | Gauge>(metric: Metric, { labels }: MetricDefinition): Metric {
  if (labels.length === 0) metric.remove();
  return metric;
}

/** Starts at 0, except for counters that continue from an earlier process: 0 would look like a reset. */
function beginCounter(counter: Counter, name: MetricName): Counter {
  const definition: MetricDefinition = metricDefinitions[name];
  if (definition.isKept === true) return silent(counter, definition);
  for (const [label, values] of Object.entries(labelValues[name] ?? {})) {
    for (const value of values) counter.inc({ [label]: value }, 0);
  }
  return counter;
}

function required<Metric>(metrics: Map<MetricName, Metric>, name: MetricName, service: string): Metric {
  const metric = metrics.get(name);
  if (metric === undefined) throw new Error(`${service} has no metric ${name} of this type`);
  return metric;
}
