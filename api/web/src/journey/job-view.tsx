import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { StatusResponse } from '../../../jobs/status-response.ts';
import type { PageSettings } from '../../../page/page-routes.ts';
import { originalUrl, Problem, readStatus, resultUrl } from '../api.ts';
import { jobOf, jobs } from '../live/job-store.ts';
import { formatBytes, t } from '../text/text.ts';
import { Compare } from './compare.tsx';
import { Journey } from './journey.tsx';
import { progressOf } from './progress-text.ts';
import { StateName } from './state-name.tsx';

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
      <p role="status">{live === undefined ? <StateName state={shown.status} /> : progressOf(live)}</p>
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
      <Journey status={shown} live={live} settings={settings} />
    </section>
  );
}
