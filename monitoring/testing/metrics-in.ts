import { parser } from '@prometheus-io/lezer-promql';
import { asPromql } from './as-promql.ts';

/** The names of the metrics in a PromQL expression. @throws Error where it cannot be parsed */
export function metricsIn(expr: string): string[] {
  const promql = asPromql(expr);
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
