import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { StatusResponse } from '../../../jobs/status-response.ts';
import type { PageSettings } from '../../../page/page-routes.ts';
import { originalUrl, Problem, readStatus, resultUrl } from '../api.ts';
import { jobOf } from '../live/job-store.ts';
import { explainFailure } from '../text/explain.ts';
import { formatBytes, t } from '../text/text.ts';
import { Journey } from './journey.tsx';
import { progressOf } from './progress-text.ts';
import { StateName } from './labels.tsx';
import './job.css';

/** One job: its picture before and after, what happened to it and when, and its messages. */
export function JobView({ id, settings }: { readonly id: string; readonly settings: PageSettings }) {
  const status = useSignal<StatusResponse | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  // Events show when something has changed; the status is complete, also for jobs that are no longer in the event log.
  const live = jobOf(id);
  const version = live && `${live.run} ${live.attempt} ${live.state} ${live.postponement ?? ''}`;
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
      <div class="facts">
        <p role="status">{live === undefined ? <StateName state={shown.status} /> : progressOf(live)}</p>
        <p class="soft">
          <code>{id}</code>
        </p>
        {shown.error !== undefined && (
          <p class="failed">
            <code>{shown.error.code}</code>: {explainFailure(shown.error)}
          </p>
        )}
      </div>
      <Pictures id={id} result={shown.result} />
      <Journey status={shown} live={live} settings={settings} />
    </section>
  );
}

/** Before and after; only before while there is no result. */
function Pictures({ id, result }: { readonly id: string } & Pick<StatusResponse, 'result'>) {
  if (result === undefined) return <img class="original" src={originalUrl(id)} alt={t('before')} />;
  return (
    <div class="pictures">
      <Compare before={originalUrl(id)} after={resultUrl(id)} width={result.width} height={result.height} />
      <p>
        <a href={resultUrl(id)} download>
          {t('download')}
        </a>{' '}
        {result.width} × {result.height}, {formatBytes(result.size)}
      </p>
    </div>
  );
}

/** Two pictures over each other, with a movable divider. */
function Compare(props: {
  readonly before: string;
  readonly after: string;
  readonly width: number;
  readonly height: number;
}) {
  const share = useSignal(50);
  return (
    <figure class="compare">
      <div style={{ aspectRatio: `${props.width} / ${props.height}` }}>
        <img src={props.before} alt={t('before')} />
        <img src={props.after} alt={t('after')} style={{ clipPath: `inset(0 0 0 ${share.value}%)` }} />
        <span class="divider" style={{ left: `${share.value}%` }} />
      </div>
      <figcaption>
        <span>{t('before')}</span>
        <input
          type="range"
          min={0}
          max={100}
          value={share.value}
          aria-label={t('compare')}
          onInput={({ currentTarget }) => (share.value = Number(currentTarget.value))}
        />
        <span>{t('after')}</span>
      </figcaption>
    </figure>
  );
}
