/** A metric that a service exposes. */
export interface ExposedMetric {
  readonly name: string;
  readonly type: string;
  /** The labels of every sample. */
  readonly labels: readonly Readonly<Record<string, string>>[];
}

const TYPE = /^# TYPE (\S+) (\S+)$/gm;
const LABEL = /(\w+)="([^"]*)"/g;

/** Parses Prometheus' text format. @see https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function readExposition(text: string): ExposedMetric[] {
  return [...text.matchAll(TYPE)].map(([, name = '', type = '']) => {
    const suffix = type === 'histogram' ? '_(?:bucket|sum|count)' : '';
    const samples = text.matchAll(new RegExp(`^${name}${suffix}(?:\\{(.*)\\})? `, 'gm'));
    const labels = [...samples].map(([, inside = '']) =>
      Object.fromEntries([...inside.matchAll(LABEL)].map(([, label = '', value = '']) => [label, value])),
    );
    return { name, type, labels };
  });
}
