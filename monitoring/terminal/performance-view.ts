import {
  latencyStages,
  type LatencyStage,
  type Snapshot,
} from '@image-pipeline/shared/contracts/snapshot.ts';
import { countText, firstThatFits, fit, labelledLines, rateText, secondsText, chart } from './text.ts';
import { eventMetrics, type Poll } from './history.ts';
import type { Paint, View } from './view.ts';

const COLUMN = 10;
/** Wider terminals do not get wider tables: values stay beside their names. */
const WIDEST_TABLE = 80;
/** Width of the name of a stage or rate. */
const NAME = 10;
/** Error codes to list, the most frequent first. */
const MAX_FAILURES = 4;

/** Descriptions of the stages. */
const meanings = {
  total: 'from upload to result',
  wait: 'for a worker',
  fetch: 'reading the original',
  process: 'decoding to encoding',
  store: 'writing the result',
  notify: 'until its event arrived',
} as const satisfies Record<(typeof latencyStages)[number], string>;

/** Throughput, latency by stage, utilisation, failures. */
export const performanceView: View = {
  name: 'performance_monitor',
  description: 'Watch the performance: throughput, latency percentiles, utilisation, failures.',
  title: 'Performance',
  body: ({ snapshot, history }, width, paint, chartRows) => ({
    above: [
      ...throughputLines(history, snapshot, { width, rows: chartRows }, paint),
      '',
      ...latencyLines(snapshot, width, paint),
    ],
    below: failureLines(snapshot, width, paint),
  }),
  line({ throughput, latency, utilisation, failures_5m, totals }) {
    const total = latency.stages.total;
    const compact = (seconds: number | undefined) => secondsText(seconds).replace(' ', '');
    const failed = Object.values(failures_5m).reduce((sum, count) => sum + count, 0);
    return [
      `throughput_1m=${rateText(throughput.completed_1m)}/s throughput_5m=${rateText(throughput.completed_5m)}/s`,
      `p50=${compact(total?.p50)} p95=${compact(total?.p95)} p99=${compact(total?.p99)}`,
      `busy=${utilisation.busy}/${utilisation.slots}`,
      `utilisation=${utilisation.last_minute === null ? '-' : utilisation.last_minute.toFixed(2)}`,
      `failed_5m=${failed}`,
      `redelivered=${totals?.redelivered ?? '-'}`,
    ].join(' ');
  },
};

const cells = (texts: readonly string[]) => texts.map((text) => text.padStart(COLUMN)).join('');

function throughputLines(
  history: readonly Poll[],
  { throughput, peaks }: Snapshot,
  { width, rows }: { width: number; rows: number },
  paint: Paint,
): string[] {
  const nameWidth = Math.max(NAME, Math.min(width, WIDEST_TABLE) - COLUMN * 3);
  const rates = eventMetrics(history, (snapshot) => snapshot.throughput.completed_1m);
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
    ...chart(rates, width, rows).map((line) => paint('cyan', line)),
  ];
}

function latencyLines({ latency }: Snapshot, available: number, paint: Paint): string[] {
  const width = Math.min(available, WIDEST_TABLE);
  const titles = width < NAME + COLUMN * 4 + 1 ? ['P50', 'P95', 'P99'] : ['P50', 'P95', 'P99', 'MEAN'];
  const nameWidth = Math.max(NAME, width - COLUMN * titles.length);
  const samples = `LATENCY, ${countText(latency.samples)} jobs`;
  const title = firstThatFits(
    [`${samples} in ${latency.window_seconds / 60} min`, samples, 'LATENCY'],
    nameWidth,
  );
  const withMeanings = latencyStages.map((stage) => `${nameOf(stage).padEnd(NAME)} ${meanings[stage]}`);
  const hasRoom = withMeanings.every((name) => name.length <= nameWidth);
  return [
    paint('dim', fit(title, nameWidth) + cells(titles)),
    ...latencyStages.map((stage, i) => {
      const found = latency.stages[stage];
      const texts = [found?.p50, found?.p95, found?.p99, found?.mean].map((seconds) => secondsText(seconds));
      const name = (hasRoom ? withMeanings[i] : undefined) ?? nameOf(stage);
      return fit(name, nameWidth) + cells(texts.slice(0, titles.length));
    }),
  ];
}

const nameOf = (stage: LatencyStage) => (stage === 'total' ? stage : `  ${stage}`);

function failureLines({ failures_5m, totals }: Snapshot, width: number, paint: Paint): string[] {
  const found = Object.entries(failures_5m)
    .toSorted(([, one], [, other]) => other - one)
    .map(([code, count]) => `${code} ${count}`);
  const more = found.length > MAX_FAILURES ? [`${found.length - MAX_FAILURES} other kinds`] : [];
  const text = found.length === 0 ? 'none in 5 min' : [...found.slice(0, MAX_FAILURES), ...more].join(', ');
  const ever = totals === null ? '' : ` (${countText(totals.failed)} in total)`;
  const tint = (line: string) => (found.length === 0 ? line : paint('yellow', line));
  const repeats =
    totals === null
      ? 'unknown'
      : `${countText(totals.retried)} retries, ${countText(totals.redelivered)} redeliveries in total`;
  return [
    ...labelledLines('Repeats', repeats, width, paint),
    ...labelledLines('Failures', `${text}${ever}`, width, paint, tint),
  ];
}
