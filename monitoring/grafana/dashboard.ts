/** One line, or several, of a panel. */
export interface PanelQuery {
  /** PromQL. `$__rate_interval` is Grafana's: at least four scrapes, and no less than a pixel of the screen. */
  readonly expr: string;
  /** As Grafana has it, e.g. `{{queue}}`. */
  readonly legend: string;
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

/** How often each thing happened; `none` while nothing does. @param label tells the things apart */
export function occurrences(counter: string, label: string): PanelQuery {
  return {
    expr:
      `sum by (${label}) (increase(${counter}[$__rate_interval])) > 0 ` +
      `or on () label_replace(vector(0), "${label}", "none", "", "")`,
    legend: `{{${label}}}`,
  };
}
