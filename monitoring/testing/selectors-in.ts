import { parser } from '@prometheus-io/lezer-promql';
import { asPromql } from './as-promql.ts';

const ALTERNATIVES = /=~"([^"]*)"/;

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
  if (/[()]/.test(pattern) || ALTERNATIVES.test(rest)) throw new Error(`too much for this test: ${selector}`);
  return pattern.split('|').map((alternative) => selector.replace(matcher, `=~"${alternative}"`));
}
