/** One line, or several, of a panel. */
export interface PanelQuery {
  /** PromQL. `$__rate_interval` is Grafana's: at least four scrapes, and no less than a step of the graph and a scrape. */
  readonly expr: string;
  /** As Grafana has it, e.g. `{{queue}}`. */
  readonly legend: string;
  /** PromQL to show while `expr` has no series. Without it, the graph has a gap. */
  readonly otherwise?: string;
}

/** The whole query of a panel. */
export function promqlOf({ expr, otherwise }: PanelQuery): string {
  return otherwise === undefined ? expr : `${expr} or on () ${otherwise}`;
}

export interface Panel {
  readonly title: string;
  /** What the panel shows, and what is normal. */
  readonly description: string;
  /** Grafana's name of the unit, e.g. `s`; `suffix:x` is a custom unit. */
  readonly unit: string;
  readonly queries: readonly PanelQuery[];
  readonly kind?: 'stat' | 'bars';
  /** The maximum of the scale, if known. */
  readonly max?: number;
  /** Values from here on are red: the number itself, or a line at this height in a graph. */
  readonly redFrom?: number;
}

export interface Dashboard {
  /** Part of its URL, and the name of its file. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** The panels of each row, by its title. */
  readonly rows: Readonly<Record<string, readonly Panel[]>>;
}

/** PromQL by legend, or a pair with the PromQL to show instead (`otherwise`). */
type Queries = Readonly<Record<string, string | readonly [expr: string, otherwise: string]>>;
type Options = Pick<Panel, 'kind' | 'max' | 'redFrom'>;

/** A graph with lines. */
export function lines(
  title: string,
  unit: string,
  description: string,
  queries: Queries,
  options: Options = {},
): Panel {
  const list = Object.entries(queries).map(([legend, query]) => {
    const [expr, otherwise] = typeof query === 'string' ? [query] : query;
    return { expr, legend, ...(otherwise !== undefined && { otherwise }) };
  });
  return { title, description, unit, queries: list, ...options };
}

/** A number with its history. */
export function stat(...[title, unit, description, queries, options]: Parameters<typeof lines>): Panel {
  return lines(title, unit, description, queries, { ...options, kind: 'stat' });
}

/** Stacked bars for rare events. */
export function bars(title: string, description: string, queries: Queries): Panel {
  return lines(title, 'short', description, queries, { kind: 'bars' });
}

/** Per second, summed over all series, or by labels. */
export function rate(counter: string, labels?: string): string {
  const by = labels === undefined ? '' : ` by (${labels}) `;
  return `sum${by}(rate(${counter}[$__rate_interval]))`;
}

/** p50, p95 and p99. @param histogram name without `_bucket` */
export function percentiles(histogram: string): Queries {
  const buckets = rate(`${histogram}_bucket`, 'le');
  return Object.fromEntries(
    [0.5, 0.95, 0.99].map((share) => [`p${share * 100}`, `histogram_quantile(${share}, ${buckets})`]),
  );
}

/**
 * Occurrences within a bar, by label; `none` while there are none, and a gap without data. Not `increase(…[$__interval])`,
 * which misses what happens between the last scrape of one window and the first of the next.
 * @param counter must have all its series from the start @param prefix prefix of the legend
 */
export function occurrences(counter: string, label: string, prefix = ''): Queries {
  return {
    [`${prefix}{{${label}}}`]: [
      `${rate(counter, label)} * $__interval_ms / 1000 > 0`,
      `label_replace(0 * sum(${counter}), "${label}", "none", "", "")`,
    ],
  };
}
