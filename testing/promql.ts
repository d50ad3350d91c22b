import { parser } from '@prometheus-io/lezer-promql';

const ALTERNATIVES = /=~"([^"]*)"/;

/**
 * A query as Grafana sends it, of a panel that is drawn in steps of 20 s while Prometheus scrapes every 5 s: a window is a
 * step and a scrape, so that each pair of scrapes is in one window.
 */
export function asPromql(expr: string): string {
  return expr.replaceAll('$__rate_interval', '25s').replaceAll('$__interval_ms', '20000');
}

/** The names of the metrics in a PromQL expression. @throws Error where it cannot be parsed */
export function metricsIn(expr: string): string[] {
  const promql = asPromql(expr);
  const names = new Set<string>();
  parser.parse(promql).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) throw new Error(`invalid PromQL at ${from}: ${promql}`);
      if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector')
        names.add(promql.slice(from, to));
    },
  });
  return [...names];
}

/** The durations in square brackets; `[.]` is part of a regular expression. */
export function windowsIn(expr: string): string[] {
  return [...expr.matchAll(/\[([\w$]+)\]/g)].map(([, window = '']) => window);
}

/**
 * The selectors of a PromQL expression, with alternatives split: `a{b=~"c|d"}` becomes `a{b=~"c"}` and `a{b=~"d"}`, so that
 * a test finds one wrong name among right ones.
 * @throws Error where alternatives are in parentheses, or two labels have some, which is not supported
 */
export function selectorsIn(expr: string): string[] {
  const promql = asPromql(expr);
  const found = new Set<string>();
  parser.parse(promql).iterate({
    enter: ({ name, from, to }) => {
      if (name !== 'VectorSelector') return;
      for (const one of oneByOne(promql.slice(from, to))) found.add(one);
    },
  });
  return [...found];
}

function oneByOne(selector: string): string[] {
  const [matcher = '', pattern] = ALTERNATIVES.exec(selector) ?? [];
  if (pattern === undefined) return [selector];
  const rest = selector.replace(matcher, '');
  if (/[()]/.test(pattern) || ALTERNATIVES.test(rest))
    throw new Error(`alternatives are not supported here: ${selector}`);
  return pattern.split('|').map((alternative) => selector.replace(matcher, `=~"${alternative}"`));
}
