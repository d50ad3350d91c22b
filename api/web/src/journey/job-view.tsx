import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { TimelineEntry } from '../../../../shared/contracts/job.ts';
import type { StatusResponse } from '../../../jobs/status-response.ts';
import type { PageSettings } from '../../../page/page-routes.ts';
import { originalUrl, Problem, readStatus, resultUrl } from '../api.ts';
import { jobOf, jobs } from '../live/job-store.ts';
import { formatBytes, formatDate, formatDuration, formatTime, t } from '../text/text.ts';
import { Compare } from './compare.tsx';
import { messageOf } from './message-of.ts';

/** One job: its picture before and after, what happened to it and when, and its messages. */
export function JobView({ id, settings }: { readonly id: string; readonly settings: PageSettings }) {
  const status = useSignal<StatusResponse | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  // The events say when something has changed; the status has everything, also of jobs that no event names any more.
  const live = jobOf(id);
  const version = jobs.value.length === 0 ? '' : `${live?.run} ${live?.attempt} ${live?.state}`;
  useEffect(() => {
    let isCurrent = true;
    readStatus(id).then(
      (found) => {
        if (isCurrent) [status.value, problem.value] = [found, undefined];
      },
      (error: unknown) => {
        if (!isCurrent) return;
        const isUnknown = error instanceof Problem && (error.status === 404 || error.status === 400);
        problem.value = isUnknown ? t('jobUnknown', { id }) : (error as Error).message;
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [id, version]);
  const shown = status.value;
  if (shown === undefined) return <section class="card">{problem.value ?? t('connecting')}</section>;
  return (
    <section class="card job" aria-labelledby="job">
      <h2 id="job">{t('jobTitle', { name: shown.original.name })}</h2>
      <p>
        <code>{id}</code>
      </p>
      <p role="status">
        <StateName state={shown.status} /> {waitOf(shown)}
      </p>
      {shown.error !== undefined && (
        <p class="failed">
          <code>{shown.error.code}</code>: {shown.error.reason}
        </p>
      )}
      {shown.result === undefined ? (
        <img class="original" src={originalUrl(id)} alt={t('before')} />
      ) : (
        <>
          <Compare
            before={originalUrl(id)}
            after={resultUrl(id)}
            width={shown.result.width}
            height={shown.result.height}
          />
          <p>
            <a href={resultUrl(id)} download>
              {t('download')}
            </a>{' '}
            {shown.result.width} × {shown.result.height}, {formatBytes(shown.result.size)}
          </p>
        </>
      )}
      <Journey status={shown} settings={settings} />
    </section>
  );
}

export function StateName({ state }: { readonly state: TimelineEntry['state'] }) {
  return <span class={`state ${state}`}>{t(state)}</span>;
}

function waitOf({ queue_position, eta_seconds }: StatusResponse): string {
  return [
    ...(typeof queue_position === 'number' ? [t('queuePosition', { n: queue_position })] : []),
    ...(typeof eta_seconds === 'number' ? [t('eta', { seconds: formatDuration(eta_seconds * 1_000) })] : []),
  ].join(', ');
}

/** The timeline with the time spent in each state, and a slider that steps through it. */
function Journey({ status, settings }: { readonly status: StatusResponse; readonly settings: PageSettings }) {
  const { timeline } = status;
  const chosen = useSignal<number | undefined>(undefined);
  const index = Math.min(chosen.value ?? timeline.length - 1, timeline.length - 1);
  const step = timeline[index];
  return (
    <>
      <h3>{t('timeline')}</h3>
      <label class="scrubber">
        {t('replayJourney')}{' '}
        <input
          type="range"
          min={0}
          max={timeline.length - 1}
          value={index}
          aria-valuetext={step === undefined ? '' : t(step.state)}
          onInput={({ currentTarget }) => (chosen.value = Number(currentTarget.value))}
        />
      </label>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('state')}</th>
            <th scope="col">{t('time')}</th>
            <th scope="col">{t('duration')}</th>
            <th scope="col">{t('details')}</th>
          </tr>
        </thead>
        <tbody>
          {timeline.map((entry, at) => {
            const next = timeline[at + 1];
            return (
              <tr
                key={at}
                class={at === index ? 'current' : ''}
                aria-current={at === index ? 'step' : undefined}
              >
                <td>
                  <StateName state={entry.state} />
                </td>
                <td title={formatDate(entry.at)}>{formatTime(entry.at)}</td>
                <td>
                  {next === undefined ? '' : formatDuration(Date.parse(next.at) - Date.parse(entry.at))}
                </td>
                <td>{detailsOf(entry)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {step !== undefined && <Message status={status} step={step} settings={settings} />}
    </>
  );
}

function detailsOf(entry: TimelineEntry): string {
  const wait = entry.retry_at === undefined ? undefined : Date.parse(entry.retry_at) - Date.parse(entry.at);
  return [
    t('attempt', { n: entry.attempt }),
    ...(entry.worker === undefined ? [] : [t('onWorker', { worker: entry.worker })]),
    ...(entry.redelivered === true ? [t('redelivered')] : []),
    ...(entry.error === undefined ? [] : [`${entry.error.code}: ${entry.error.reason}`]),
    ...(wait === undefined ? [] : [t('returnsIn', { seconds: formatDuration(wait) })]),
  ].join(', ');
}

/** The message that brought the job into this state. */
function Message(props: {
  readonly status: StatusResponse;
  readonly step: TimelineEntry;
  readonly settings: PageSettings;
}) {
  const message = messageOf(props.step, props.settings);
  return (
    <>
      <h3>{t('messages')}</h3>
      <dl>
        <dt>{t('exchange')}</dt>
        <dd>
          <code>{message.exchange}</code>
        </dd>
        <dt>{t('key')}</dt>
        <dd>
          <code>{message.routingKey}</code>
        </dd>
        <dt>{t('queue')}</dt>
        <dd>
          <code>{message.queue}</code>
        </dd>
        {Object.entries(message.headers).map(([name, value]) => (
          <>
            <dt>
              <code>{name}</code>
            </dt>
            <dd>
              <code>{value}</code>
            </dd>
          </>
        ))}
      </dl>
    </>
  );
}
