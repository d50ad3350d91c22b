import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { jobs } from '../live/job-store.ts';
import type { Job } from '../live/jobs.ts';
import { pictureOf } from '../live/pictures.ts';
import { jobLink, route, setQuery } from '../route.ts';
import { StateName } from '../journey/state-name.tsx';
import { formatDate, t } from '../text/text.ts';
import { filterJobs, visibleRows } from './filter-jobs.ts';

const ROW_HEIGHT = 44;
const states = ['queued', 'processing', 'retrying', 'completed', 'failed'] as const;

/** All jobs that the page knows, filtered; the filter is part of the address. */
export function JobsView() {
  const { query } = route.value;
  const [state, text] = [query.get('state') ?? '', query.get('text') ?? ''];
  const found = filterJobs(jobs.value, { state, text });
  return (
    <section class="card jobs" aria-labelledby="jobs">
      <h2 id="jobs">{t('jobsTitle')}</h2>
      <p class="filters">
        <label>
          {t('filterState')}{' '}
          <select value={state} onChange={({ currentTarget }) => setQuery('state', currentTarget.value)}>
            <option value="">{t('any')}</option>
            {states.map((name) => (
              <option key={name} value={name}>
                {t(name)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t('filterText')}{' '}
          <input
            type="search"
            value={text}
            onInput={({ currentTarget }) => setQuery('text', currentTarget.value)}
          />
        </label>
        <span role="status">{t('found', { n: found.length })}</span>
      </p>
      <Rows found={found} />
    </section>
  );
}

/** Only the visible rows are in the document, so that ten thousand scroll smoothly. */
function Rows({ found }: { readonly found: readonly Job[] }) {
  const box = useRef<HTMLDivElement>(null);
  const scrolled = useSignal(0);
  const height = useSignal(600);
  useEffect(() => {
    if (box.current !== null) height.value = box.current.clientHeight;
  }, []);
  const { first, end } = visibleRows({
    rows: found.length,
    rowHeight: ROW_HEIGHT,
    scrolled: scrolled.value,
    height: height.value,
  });
  return (
    <div
      class="rows"
      ref={box}
      tabIndex={0}
      role="group"
      aria-labelledby="jobs"
      onScroll={({ currentTarget }) => (scrolled.value = currentTarget.scrollTop)}
    >
      <table aria-rowcount={found.length + 1}>
        <thead>
          <tr>
            <th scope="col">{t('name')}</th>
            <th scope="col">{t('state')}</th>
            <th scope="col">{t('worker')}</th>
            <th scope="col">{t('submitted')}</th>
            <th scope="col">{t('error')}</th>
          </tr>
        </thead>
        <tbody>
          <Spacer rows={first} />
          {found.slice(first, end).map((job, index) => (
            <Row key={job.id} job={job} number={first + index + 2} />
          ))}
          <Spacer rows={found.length - end} />
        </tbody>
      </table>
    </div>
  );
}

function Spacer({ rows }: { readonly rows: number }) {
  if (rows === 0) return null;
  return (
    <tr aria-hidden="true">
      <td colSpan={5} style={{ height: `${rows * ROW_HEIGHT}px`, padding: 0 }} />
    </tr>
  );
}

function Row({ job, number }: { readonly job: Job; readonly number: number }) {
  const picture = pictureOf(job);
  return (
    <tr aria-rowindex={number}>
      <th scope="row">
        {picture !== undefined && <img src={picture} alt="" loading="lazy" width={32} height={32} />}
        <a href={jobLink(job.id)}>{job.name ?? job.id}</a>
      </th>
      <td>
        <StateName state={job.state} />
      </td>
      <td>{job.worker ?? ''}</td>
      <td>{formatDate(job.submittedAt)}</td>
      <td>{job.error === undefined ? '' : <code>{job.error.code}</code>}</td>
    </tr>
  );
}
