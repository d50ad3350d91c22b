import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { listJobs } from '../api.ts';
import { jobs, addListed, isListed } from '../live/job-store.ts';
import type { Job } from '../live/jobs.ts';
import { pictureOf } from '../live/pictures.ts';
import { clock } from '../live/pipeline.ts';
import { route } from '../route.ts';
import { JobName, StateName } from '../journey/labels.tsx';
import { formatDate, t } from '../text/text.ts';
import { filterJobs, filterOf, listQuery, visibleRows } from './filter-jobs.ts';
import { FilterForm } from './filter-form.tsx';
import './jobs.css';

/** In pixels; as in jobs.css. */
const rowHeight = () => (matchMedia('(max-width: 700px)').matches ? 72 : 44);
/** Pages of 1,000 jobs that a search reads. */
const MAX_PAGES = 10;
/** After the last change of the filter, in milliseconds. */
const SEARCH_DELAY_MS = 300;

/** All jobs that the API knows, filtered; the filter is part of the address. */
export function JobsView() {
  const { query } = route.value;
  const filter = filterOf(query, clock.peek());
  const isSearching = useSignal(false);
  useEffect(() => {
    const wanted = listQuery(filter);
    if (wanted === undefined) return;
    let isCurrent = true;
    const search = async () => {
      isSearching.value = true;
      for await (const page of listJobs(MAX_PAGES, wanted)) {
        if (!isCurrent) return;
        addListed(page);
      }
    };
    const timer = setTimeout(() => void search().finally(() => (isSearching.value = false)), SEARCH_DELAY_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [query.toString()]);
  const found = filterJobs(jobs.value, filter);
  const isLoading = isSearching.value || !isListed.value;
  return (
    <section class="card jobs" aria-labelledby="jobs" aria-busy={isLoading}>
      <h2 id="jobs">{t('jobsTitle')}</h2>
      <FilterForm />
      <p role="status">{isLoading && found.length === 0 ? t('loading') : t('found', { n: found.length })}</p>
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
    rowHeight: rowHeight(),
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
      <td colSpan={5} style={{ height: `${rows * rowHeight()}px`, padding: 0 }} />
    </tr>
  );
}

function Row({ job, number }: { readonly job: Job; readonly number: number }) {
  const picture = pictureOf(job);
  return (
    <tr aria-rowindex={number}>
      <th scope="row">
        {picture !== undefined && <img src={picture} alt="" loading="lazy" width={32} height={32} />}
        <JobName id={job.id} name={job.name} />
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
