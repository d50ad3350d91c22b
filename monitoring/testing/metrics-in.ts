import { parser } from '@prometheus-io/lezer-promql';

/** The names of the metrics in a PromQL expression. @throws Error where it cannot be parsed */
export function metricsIn(expr: string): string[] {
  // Grafana's own, which it replaces by a duration.
  const promql = expr.replaceAll('$__rate_interval', '20s');
  const names = new Set<string>();
  parser.parse(promql).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) throw new Error(`not PromQL at ${from}: ${promql}`);
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
