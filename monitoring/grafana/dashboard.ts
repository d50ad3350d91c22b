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

/** A number with its history, lines, or stacked bars for rare events. */
export type PanelKind = 'stat' | 'lines' | 'bars';

export interface Panel {
  readonly title: string;
  /** What the panel shows, and what is normal. */
  readonly description: string;
  /** Grafana's name of the unit, e.g. `s`; `suffix:x` is a custom unit. */
  readonly unit: string;
  readonly queries: readonly PanelQuery[];
  readonly kind?: PanelKind;
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
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}

/** p50, p95 and p99. @param histogram name without `_bucket` */
export function percentiles(histogram: string): PanelQuery[] {
  return [0.5, 0.95, 0.99].map((share) => ({
    expr: `histogram_quantile(${share}, sum by (le) (rate(${histogram}_bucket[$__rate_interval])))`,
    legend: `p${share * 100}`,
  }));
}

/**
 * Occurrences within a bar, by label; `none` while there are none, and a gap without data. Not `increase(…[$__interval])`,
 * which misses what happens between the last scrape of one window and the first of the next.
 * @param counter must have all its series from the start @param prefix prefix of the legend
 */
export function occurrences(counter: string, label: string, prefix = ''): PanelQuery {
  return {
    expr: `sum by (${label}) (rate(${counter}[$__rate_interval])) * $__interval_ms / 1000 > 0`,
    otherwise: `label_replace(0 * sum(${counter}), "${label}", "none", "", "")`,
    legend: `${prefix}{{${label}}}`,
  };
}
