import { latencyStages, type Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { countText, fit, rateText, secondsText } from './figures-text.ts';
import { heading } from './heading.ts';
import { sparkline } from './sparkline.ts';
import type { Paint, View } from './view.ts';
import { workerLines } from './worker-lines.ts';

const COLUMN = 10;

/** What a stage is, beside its name. */
const meanings = {
  total: 'from upload to result',
  wait: 'for a worker',
  fetch: 'reading the original',
  process: 'decoding to encoding',
  store: 'writing the result',
  notify: 'until it was known',
} as const satisfies Record<(typeof latencyStages)[number], string>;

/** Throughput, latency with its parts, utilisation, failures. */
export const performanceView: View = {
  name: 'performance_monitor',
  description: 'Watch the performance: throughput, latency percentiles, utilisation, failures.',
  lines(seen, width, paint) {
    const { snapshot } = seen;
    return [
      ...heading('Performance', seen, width, paint),
      ...throughputLines(seen.history, snapshot, width, paint),
      '',
      ...latencyLines(snapshot, width, paint),
      '',
      ...workerLines(snapshot, width, paint),
      '',
      failureLine(snapshot, width, paint),
    ];
  },
  line({ throughput, latency, utilisation, failures_5m }) {
    const total = latency.stages.total;
    const compact = (seconds: number | undefined) => secondsText(seconds).replace(' ', '');
    const failed = Object.values(failures_5m).reduce((sum, count) => sum + count, 0);
    return [
      `throughput_1m=${rateText(throughput.completed_1m)}/s throughput_5m=${rateText(throughput.completed_5m)}/s`,
      `p50=${compact(total?.p50)} p95=${compact(total?.p95)} p99=${compact(total?.p99)}`,
      `busy=${utilisation.busy}/${utilisation.slots}`,
      `utilisation=${utilisation.last_minute === null ? '-' : utilisation.last_minute.toFixed(2)}`,
      `failed_5m=${failed}`,
    ].join(' ');
  },
};

const cells = (texts: readonly string[]) => texts.map((text) => text.padStart(COLUMN)).join('');

function throughputLines(
  history: readonly Snapshot[],
  { throughput, peaks }: Snapshot,
  width: number,
  paint: Paint,
): string[] {
  const nameWidth = Math.max(12, width - COLUMN * 3);
  const rates = history.map((snapshot) => snapshot.throughput.completed_1m);
  const peak = peaks === null ? '-' : `${rateText(peaks.throughput_1m.value)}/s`;
  const row = (name: string, texts: readonly string[]) => fit(name, nameWidth) + cells(texts);
  return [
    paint('dim', row('THROUGHPUT', ['1 MIN', '5 MIN', 'PEAK'])),
    row('completed', [
      `${rateText(throughput.completed_1m)}/s`,
      `${rateText(throughput.completed_5m)}/s`,
      peak,
    ]),
    row('failed', [
      `${rateText(throughput.failed_1m)}/s`,
      `${rateText(throughput.failed_5m)}/s`,
      '',
    ]).trimEnd(),
    paint('cyan', sparkline(rates, width)),
  ];
}

function latencyLines({ latency }: Snapshot, width: number, paint: Paint): string[] {
  const nameWidth = Math.max(12, width - COLUMN * 4);
  const minutes = latency.window_seconds / 60;
  const title = `LATENCY, ${countText(latency.samples)} jobs in ${minutes} min`;
  return [
    paint('dim', fit(title, nameWidth) + cells(['P50', 'P95', 'P99', 'MEAN'])),
    ...latencyStages.map((stage) => {
      const found = latency.stages[stage];
      const name = stage === 'total' ? stage : `  ${stage}`;
      const texts = [found?.p50, found?.p95, found?.p99, found?.mean].map((seconds) => secondsText(seconds));
      return fit(`${name.padEnd(10)} ${meanings[stage]}`, nameWidth) + cells(texts);
    }),
  ];
}

function failureLine({ failures_5m, totals }: Snapshot, width: number, paint: Paint): string {
  const found = Object.entries(failures_5m).toSorted(([, one], [, other]) => other - one);
  const ever =
    totals === null ? '' : ` (${countText(totals.failed)} ever, ${countText(totals.retried)} retries)`;
  const text =
    found.length === 0 ? 'none in 5 min' : found.map(([code, count]) => `${code} ${count}`).join(', ');
  const shown = fit(text, width - 10 - ever.length).trimEnd();
  return `${paint('bold', 'Failures')}  ${found.length === 0 ? shown : paint('yellow', shown)}${ever}`;
}
