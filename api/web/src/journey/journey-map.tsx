import { useMemo } from 'preact/hooks';
import type { PageSettings } from '../../../page/page-routes.ts';
import { wasDiscarded } from '../dead-letters/dead-letter-store.ts';
import { jobs } from '../live/job-store.ts';
import type { Job } from '../live/jobs.ts';
import { pictureOf } from '../live/pictures.ts';
import { clock, pipeline } from '../live/pipeline.ts';
import { jobLink } from '../route.ts';
import { formatNumber, t } from '../text/text.ts';
import {
  cellOfSlot,
  cellsIn,
  type Drawing,
  drawTopology,
  type DrawnWorker,
  type Place,
  placeOf,
} from './places.ts';
import { captionOf, progressOf } from './progress-text.ts';
import { nameOf, Token, type TokenProps, Topology } from './topology.tsx';
import './journey-map.css';

const MAX_WORKERS = 6;
const { compare: inNaturalOrder } = new Intl.Collator('en', { numeric: true });

/** The topology, and on it the images where they are now. */
export function JourneyMap({ settings }: { readonly settings: PageSettings }) {
  const known = jobs.value.filter((job) => !wasDiscarded(job));
  const byPlace = inOrder(Map.groupBy(known, (job) => placeOf(job, settings, clock.value)));
  const workers = drawnWorkers(known);
  const drawing = useMemo(() => drawTopology(settings, workers), [settings, JSON.stringify(workers)]);
  const counts = new Map([...byPlace].map(([id, here]) => [id, here.length]));
  return (
    <section class="card journey" aria-labelledby="journey">
      <h2 id="journey">{t('journeyTitle')}</h2>
      {known.length === 0 && <p>{t('nothingYet')}</p>}
      <Topology drawing={drawing} label={t('journeyTitle')} counts={counts} noteOf={noteOf}>
        {tokensOf(drawing, byPlace).map((token) => (
          <Token key={token.job.id} {...token} />
        ))}
      </Topology>
      <PlacesTable drawing={drawing} byPlace={byPlace} />
    </section>
  );
}

type ByPlace = ReadonlyMap<string, readonly Job[]>;

/** What leaves a queue first comes first; what was submitted last comes first elsewhere. */
function inOrder(byPlace: ReadonlyMap<string, readonly Job[]>): ByPlace {
  const dueAt = ({ retryAt, submittedAt, id }: Job) => `${retryAt ?? submittedAt} ${id}`;
  return new Map(
    [...byPlace].map(([place, here]) => {
      if (here[0]?.state !== 'queued' && here[0]?.state !== 'retrying') return [place, here];
      const keyed = here.map((job) => ({ job, due: dueAt(job) }));
      return [place, keyed.sort((one, other) => (one.due < other.due ? -1 : 1)).map(({ job }) => job)];
    }),
  );
}

/** The workers that monitoring knows, and those that process a job. */
function drawnWorkers(known: readonly Job[]): readonly DrawnWorker[] {
  const workers = new Map<string, DrawnWorker>();
  for (const { name, slots, live } of pipeline.value?.message.snapshot?.workers ?? [])
    workers.set(name, { name, slots: slots ?? 1, isLive: live });
  for (const { state, worker, slot = 1 } of known) {
    if (state !== 'processing' || worker === undefined) continue;
    const { slots, isLive } = workers.get(worker) ?? { slots: 0, isLive: true };
    workers.set(worker, { name: worker, slots: Math.max(slots, slot), isLive });
  }
  return [...workers.values()]
    .sort((one, other) => inNaturalOrder(one.name, other.name))
    .slice(0, MAX_WORKERS);
}

function noteOf(place: Place): string {
  if (place.kind !== 'worker') return '';
  if (place.isIdle === true) return t('notConsuming');
  return t('slotCount', { n: place.slots ?? 0 });
}

function tokensOf({ places }: Drawing, byPlace: ByPlace): TokenProps[] {
  return places.flatMap((place) => {
    const room = place.kind === 'worker' ? Infinity : cellsIn(place);
    return (byPlace.get(place.id) ?? []).slice(0, room).map((job, position) => ({
      job,
      place,
      index: place.kind === 'worker' ? cellOfSlot(place, job.slot) : position,
      caption: captionOf(job),
      label: `${job.name ?? job.id}: ${progressOf(job)}`,
    }));
  });
}

/** Where the drawing is hidden; as in style.css. */
const NARROW = '(max-width: 700px)';
/** Jobs of a place in the table. */
const LISTED = 6;

/** The same as a table, for screen readers and narrow screens. */
function PlacesTable({ drawing, byPlace }: { readonly drawing: Drawing; readonly byPlace: ByPlace }) {
  return (
    <details open={matchMedia(NARROW).matches}>
      <summary>{t('journeyTable')}</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('place')}</th>
            <th scope="col">{t('images')}</th>
          </tr>
        </thead>
        <tbody>
          {drawing.places
            .filter(({ kind }) => kind !== 'exchange' && kind !== 'client')
            .map((place) => {
              const here = byPlace.get(place.id) ?? [];
              return (
                <tr key={place.id}>
                  <th scope="row">
                    {nameOf(place)} <small>{noteOf(place)}</small>
                  </th>
                  <td>
                    <strong>{formatNumber(here.length)}</strong>
                    <ul class="here">
                      {here.slice(0, LISTED).map((job) => (
                        <li key={job.id}>
                          <PictureLink job={job} /> <small>{captionOf(job)}</small>
                        </li>
                      ))}
                    </ul>
                  </td>
                </tr>
              );
            })}
        </tbody>
      </table>
    </details>
  );
}

function PictureLink({ job }: { readonly job: Job }) {
  const picture = pictureOf(job);
  const label = `${job.name ?? job.id}: ${progressOf(job)}`;
  return (
    <a href={jobLink(job.id)} title={label}>
      {picture === undefined ? (
        (job.name ?? job.id)
      ) : (
        <img src={picture} alt={label} width={34} height={34} loading="lazy" />
      )}
    </a>
  );
}
