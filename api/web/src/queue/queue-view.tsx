import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { jobs } from '../live/job-store.ts';
import { type Job, jobStates } from '../live/jobs.ts';
import { route, setQuery } from '../route.ts';
import { formatNumber, t } from '../text/text.ts';
import { Chart } from './chart.tsx';
import { PipelineNow } from './pipeline-now.tsx';
import { historyOf } from './history.ts';
import './queue.css';

const MINUTE = 60_000;
const periods = {
  '5': { partMs: 5_000, parts: 60 },
  '15': { partMs: 15_000, parts: 60 },
  '60': { partMs: MINUTE / 2, parts: 120 },
} as const;
type Minutes = keyof typeof periods;
const minutes = Object.keys(periods) as Minutes[];

/** How the queue developed: from the times of the jobs in the event log, so it survives restarts; then live. */
export function QueueView() {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  // Once a second is enough: `peek` does not render again with each event.
  const known = jobs.peek();
  const chosen =
    minutes.find((one) => one === route.value.query.get('minutes')) ?? shortestWithAll(known, now.value);
  const period = periods[chosen];
  const history = historyOf(known, { now: now.value, ...period });
  return (
    <section class="card" aria-labelledby="queue">
      <h2 id="queue">{t('navQueue')}</h2>
      <label>
        {t('period')}{' '}
        <select value={chosen} onChange={({ currentTarget }) => setQuery('minutes', currentTarget.value)}>
          {minutes.map((one) => (
            <option key={one} value={one}>
              {t('lastMinutes', { n: Number(one) })}
            </option>
          ))}
        </select>
      </label>
      <Counts known={known} />
      <div class="charts" key={chosen}>
        <Chart
          title={t('openJobs')}
          times={history.times}
          lines={[
            { label: t('openJobs'), colour: '--accent', values: history.open },
            { label: t('processing'), colour: '--good', values: history.processing },
          ]}
        />
        <Chart
          title={t('ended', { seconds: String(period.partMs / 1_000) })}
          times={history.times}
          lines={[
            { label: t('completed'), colour: '--good', values: history.completed },
            { label: t('failed'), colour: '--bad', values: history.failed },
          ]}
        />
        <Chart
          title={t('timeToResult')}
          times={history.times}
          lines={[
            { label: 'p50', colour: '--accent', values: history.p50 },
            { label: 'p95', colour: '--wait', values: history.p95 },
          ]}
        />
      </div>
      <PipelineNow />
    </section>
  );
}

/** The shortest period that contains all known jobs; otherwise the longest. */
function shortestWithAll(known: readonly Job[], now: number): Minutes {
  const begin = Date.parse(known.at(-1)?.submittedAt ?? '');
  return minutes.find((one) => begin > now - Number(one) * MINUTE) ?? '60';
}

/** How many jobs are in each state, of those that the page knows. */
function Counts({ known }: { readonly known: readonly Job[] }) {
  const counts = Map.groupBy(known, ({ state }) => state);
  return (
    <dl class="counts">
      {jobStates.map((state) => (
        <div key={state}>
          <dt class={`state ${state}`}>{t(state)}</dt>
          <dd>
            <a href={`#/jobs?state=${state}`}>{formatNumber(counts.get(state)?.length ?? 0)}</a>
          </dd>
        </div>
      ))}
    </dl>
  );
}
