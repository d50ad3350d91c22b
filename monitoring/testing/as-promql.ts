/**
 * A query as Grafana sends it, of a panel that is drawn in steps of 20 s while Prometheus scrapes every 5 s: a window is a
 * step and a scrape, so that each pair of scrapes is in one window.
 */
export function asPromql(expr: string): string {
  return expr.replaceAll('$__rate_interval', '25s').replaceAll('$__interval_ms', '20000');
}
