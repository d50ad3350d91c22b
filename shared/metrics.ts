import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { metricDefinitions, type MetricName } from './metric-definitions.ts';
import { longBuckets, type MetricDefinition } from './metric-definitions/definition.ts';
import { labelValues } from './metric-label-values.ts';

/**
 * From one look at the event loop to the next, of which `nodejs_eventloop_lag_…` contains one. At prom-client's 10 ms the
 * looks alone took 1 % of a core, in each process.
 */
export const EVENT_LOOP_LOOK_SECONDS = 0.1;

/** Of prom-client: gauges called like counters, which say what others say already, by type. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
] as const;

type Labels = Readonly<Record<string, string>>;

/** The metrics of one service: its own from the table, and Node's. */
export interface Metrics {
  readonly contentType: string;
  increase(name: MetricName, labels?: Labels, by?: number): void;
  set(name: MetricName, value: number, labels?: Labels): void;
  /** Takes back every value of a gauge: not known is not the same as unchanged. */
  clear(name: MetricName): void;
  /** @param value in the unit of the name */
  observe(name: MetricName, value: number, labels?: Labels): void;
  /** Calls this before each rendering: for what grows while nothing happens. */
  beforeRender(update: () => void): void;
  /** Prometheus text format. */
  render(): Promise<string>;
}

export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({
    register: registry,
    eventLoopMonitoringPrecision: EVENT_LOOP_LOOK_SECONDS * 1_000,
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

/** prom-client begins what has no labels at 0, which says something; removed, it says nothing until it is told. */
function silent<Metric extends Counter | Gauge>(metric: Metric, { labels }: MetricDefinition): Metric {
  if (labels.length === 0) metric.remove();
  return metric;
}

/** At 0, except where the count goes on from that of an earlier process: 0 would be a reset, and then an increase of all. */
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
  if (metric === undefined) throw new Error(`${service} does not expose ${name} as this type`);
  return metric;
}
