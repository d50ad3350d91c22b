/** One line, or several, of a panel. */
export interface PanelQuery {
  /** PromQL. `$__rate_interval` is Grafana's: at least four scrapes, and no less than a step of the graph and a scrape. */
  readonly expr: string;
  /** As Grafana has it, e.g. `{{queue}}`. */
  readonly legend: string;
  /** PromQL of what is shown while `expr` has no series at all. Without it, that is a gap. */
  readonly otherwise?: string;
}

/** The whole query of a panel. */
export function promqlOf({ expr, otherwise }: PanelQuery): string {
  return otherwise === undefined ? expr : `${expr} or on () ${otherwise}`;
}

/** How a panel is drawn: a number with its history, lines, or bars upon each other where most of the time there is nothing. */
export type PanelKind = 'stat' | 'lines' | 'bars';

export interface Panel {
  readonly title: string;
  /** What it shows, and what it should look like. */
  readonly description: string;
  /** Grafana's name of it, e.g. `s`; `suffix:x` is one of our own. */
  readonly unit: string;
  readonly queries: readonly PanelQuery[];
  readonly kind?: PanelKind;
  /** The top of its scale, where that is known. */
  readonly max?: number;
  /** From here on it is shown in red: a number itself, in a graph a line at this height. */
  readonly redFrom?: number;
}

export interface Dashboard {
  /** Part of its address and the name of its file. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}

/** Half of them, most of them, nearly all of them. @param histogram its name without `_bucket` */
export function percentiles(histogram: string): PanelQuery[] {
  return [0.5, 0.95, 0.99].map((share) => ({
    expr: `histogram_quantile(${share}, sum by (le) (rate(${histogram}_bucket[$__rate_interval])))`,
    legend: `p${share * 100}`,
  }));
}

/**
 * How often each thing happened within a bar; `none` while nothing does, and a gap while nobody counts. Not
 * `increase(…[$__interval])`: it misses what happens between the last scrape of one window and the first of the next.
 * @param counter has all its series from the start @param label tells the things apart @param prefix of the legend
 */
export function occurrences(counter: string, label: string, prefix = ''): PanelQuery {
  return {
    expr: `sum by (${label}) (rate(${counter}[$__rate_interval])) * $__interval_ms / 1000 > 0`,
    otherwise: `label_replace(0 * sum(${counter}), "${label}", "none", "", "")`,
    legend: `${prefix}{{${label}}}`,
  };
}
