import { recentEvents, jobs } from '../live/job-store.ts';
import { timelineEntryOf } from '../../../../shared/contracts/job-order.ts';
import { jobLink } from '../route.ts';
import { formatTime, t } from '../text/text.ts';
import { onWorker } from './progress-text.ts';
import { StateName } from './job-names.tsx';

const SHOWN = 8;

/** The newest events that the page received, newest first. */
export function LatestEvents() {
  // The list of jobs changes with each event.
  if (jobs.value.length === 0 || recentEvents.length === 0) return null;
  return (
    <section class="card" aria-labelledby="events">
      <h2 id="events">{t('latestEvents')}</h2>
      <ol class="events">
        {recentEvents.slice(0, SHOWN).map(({ event }) => {
          const { state, worker, slot } = timelineEntryOf(event);
          const { job_id: id, request } = event.data;
          return (
            <li key={`${event.id} ${event.time}`}>
              <time dateTime={event.time}>{formatTime(event.time)}</time>
              <a href={jobLink(id)}>{request.original.name}</a>
              <span>
                <StateName state={state} /> {worker !== undefined && onWorker(worker, slot)}
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
