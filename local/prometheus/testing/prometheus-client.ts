import { z } from 'zod';
import { asPromql } from '../../../testing/promql.ts';

const sampleSchema = z.object({
  metric: z.record(z.string(), z.string()),
  /** Time in seconds since 1970, and the value as text: it may be NaN. */
  value: z.tuple([z.number(), z.string()]),
});
const querySchema = z.object({ data: z.object({ result: z.array(sampleSchema) }) });
const targetsSchema = z.object({
  data: z.object({
    activeTargets: z.array(z.object({ labels: z.object({ job: z.string() }), health: z.string() })),
  }),
});
const rulesSchema = z.object({
  data: z.object({
    groups: z.array(
      z.object({
        rules: z.array(z.object({ name: z.string(), health: z.string(), lastError: z.string().optional() })),
      }),
    ),
  }),
});

/** The value of one series. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  /** May be NaN or infinite. */
  readonly value: number;
}

/** Client of Prometheus' HTTP API. @see https://prometheus.io/docs/prometheus/latest/querying/api/ */
export class PrometheusClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Evaluates an expression now. @throws Error with Prometheus' message if it is invalid */
  async samples(expr: string): Promise<Sample[]> {
    const body = new URLSearchParams({ query: asPromql(expr) });
    const response = await this.#fetch('query', { method: 'POST', body });
    return querySchema
      .parse(response)
      .data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** The same without labels. */
  async values(expr: string): Promise<number[]> {
    return (await this.samples(expr)).map(({ value }) => value);
  }

  /** `job: health` of each target. */
  async targets(): Promise<string[]> {
    const { data } = targetsSchema.parse(await this.#fetch('targets'));
    return data.activeTargets.map(({ labels, health }) => `${labels.job}: ${health}`).toSorted();
  }

  async rules() {
    const { data } = rulesSchema.parse(await this.#fetch('rules'));
    return data.groups.flatMap(({ rules }) => rules);
  }

  async #fetch(path: string, init: RequestInit = {}): Promise<unknown> {
    const response = await fetch(`${this.#url}/api/v1/${path}`, {
      ...init,
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return JSON.parse(text);
  }
}
