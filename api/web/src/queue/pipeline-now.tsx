import type { Snapshot } from '../../../../shared/contracts/snapshot.ts';
import { pipeline } from '../live/pipeline.ts';
import { formatDuration, formatNumber, formatPercent, formatSeconds, t } from '../text/text.ts';

/** Older data of monitoring is marked, in seconds. */
const OLD_S = 15;

/** What monitoring measures: the same numbers as in `/queue/status`, latency and the ledger. */
export function PipelineNow() {
  if (pipeline.value === undefined) return <p class="soft">{t('connecting')}</p>;
  const { snapshot } = pipeline.value.message;
  if (snapshot === null) return <p class="soft">{t('noMonitoring')}</p>;
  const age = snapshot.age_seconds;
  return (
    <>
      {age > OLD_S && <p class="failed">{t('oldMonitoring', { age: formatDuration(age * 1_000) })}</p>}
      <div class="charts">
        <section>
          <h3>{t('now')}</h3>
          <Rows rows={statusRows(snapshot)} />
        </section>
        <Latency latency={snapshot.latency} />
        <Ledger ledger={snapshot.ledger} />
      </div>
    </>
  );
}

const UNKNOWN = '–';
const numberOf = (value: number | null | undefined) =>
  value === null || value === undefined ? UNKNOWN : formatNumber(value);

type Row = readonly [label: string, value: string];

function statusRows({ jobs, utilisation, throughput, totals, peaks }: Snapshot): Row[] {
  const peak = (value: number | undefined) => (value === undefined ? '' : t('peak', { n: value }));
  return [
    [t('waiting'), `${formatNumber(jobs.queued)} ${peak(peaks?.waiting.value)}`],
    [
      t('processing'),
      `${t('ofSlots', { n: jobs.processing, slots: utilisation.slots })} ${peak(peaks?.processing.value)}`,
    ],
    [t('retrying'), formatNumber(jobs.retrying)],
    [t('utilisation'), utilisation.last_minute === null ? UNKNOWN : formatPercent(utilisation.last_minute)],
    [t('throughput'), t('perSecond', { n: Math.round(throughput.completed_1m * 100) / 100 })],
    [t('totalCompleted'), numberOf(totals?.completed)],
    [t('totalFailed'), numberOf(totals?.failed)],
  ];
}

function Rows({ rows }: { readonly rows: readonly Row[] }) {
  return (
    <table class="numbers">
      <tbody>
        {rows.map(([label, value]) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const stages = ['total', 'wait', 'fetch', 'process', 'store', 'notify'] as const;

/** How long each stage of a job takes. */
function Latency({ latency }: Pick<Snapshot, 'latency'>) {
  const seconds = (value: number) =>
    value < 1 ? formatDuration(value * 1_000) : formatSeconds(Math.round(value * 10) / 10);
  return (
    <section>
      <h3>{t('latency', { n: Math.round(latency.window_seconds / 60) })}</h3>
      <table class="numbers">
        <thead>
          <tr>
            <th scope="col">{t('stage')}</th>
            {['p50', 'p95', 'p99'].map((name) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {stages.map((stage) => {
            const found = latency.stages[stage];
            return (
              <tr key={stage}>
                <th scope="row">{t(`stage_${stage}`)}</th>
                {[found?.p50, found?.p95, found?.p99].map((value, column) => (
                  <td key={column}>{value === undefined ? UNKNOWN : seconds(value)}</td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

/** Every accepted run is completed, failed, open or unaccounted. */
function Ledger({ ledger }: Pick<Snapshot, 'ledger'>) {
  return (
    <section>
      <h3>{t('ledger')}</h3>
      <Rows
        rows={[
          [t('ledgerAccepted'), numberOf(ledger?.accepted)],
          [`= ${t('completed')}`, numberOf(ledger?.completed)],
          [`+ ${t('failed')}`, numberOf(ledger?.failed)],
          [`+ ${t('open')}`, numberOf(ledger?.open)],
          [`+ ${t('unaccounted')}`, numberOf(ledger?.unaccounted)],
        ]}
      />
      <p class={ledger !== null && ledger.unaccounted > 0 ? 'failed' : 'soft'}>
        {ledger === null ? '' : t(ledger.unaccounted > 0 ? 'ledgerBroken' : 'ledgerClosed')}
      </p>
    </section>
  );
}
