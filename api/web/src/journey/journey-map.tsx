import { useMemo } from 'preact/hooks';
import type { PageSettings } from '../../../page/page-routes.ts';
import { jobs } from '../live/job-store.ts';
import type { Job } from '../live/jobs.ts';
import { pictureOf } from '../live/pictures.ts';
import { jobLink } from '../route.ts';
import { formatNumber, t } from '../text/text.ts';
import { type Drawing, drawTopology, type Edge, type Place, placeOf } from './places.ts';

/** Pictures in one box: the newest. */
const SHOWN = 8;
const PER_ROW = 4;
const PICTURE = 30;
const GAP = 5;
const TOP = 24;
const REMEMBERED_WORKERS = 6;
const MAX_SCALE = 1.4;

/** The topology, and on it the images where they are now. */
export function JourneyMap({ settings }: { readonly settings: PageSettings }) {
  const known = jobs.value;
  const workers = workersIn(known);
  const drawing = useMemo(() => drawTopology(settings, workers), [settings, workers.join()]);
  const byPlace = Map.groupBy(known, (job) => placeOf(job, settings));
  return (
    <section class="card journey" aria-labelledby="journey">
      <h2 id="journey">{t('journeyTitle')}</h2>
      {known.length === 0 && <p>{t('nothingYet')}</p>}
      <div class="scroll" tabIndex={0} role="group" aria-label={t('journeyTitle')}>
        <svg
          viewBox={`-8 -8 ${drawing.width + 16} ${drawing.height + 16}`}
          style={{ maxWidth: `${(drawing.width + 16) * MAX_SCALE}px` }}
        >
          <defs>
            <marker
              id="arrow"
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="7"
              markerHeight="7"
              orient="auto"
            >
              <path d="M0 0 8 4 0 8z" class="arrow" />
            </marker>
          </defs>
          {drawing.edges.map((edge) => (
            <EdgeLine key={`${edge.from} ${edge.to} ${edge.label}`} edge={edge} drawing={drawing} />
          ))}
          {drawing.places.map((place) => (
            <PlaceBox key={place.id} place={place} count={byPlace.get(place.id)?.length ?? 0} />
          ))}
          {drawing.places.flatMap((place) =>
            (byPlace.get(place.id) ?? [])
              .slice(0, SHOWN)
              .map((job, index) => <Token key={job.id} job={job} place={place} index={index} />),
          )}
        </svg>
      </div>
      <PlacesTable drawing={drawing} byPlace={byPlace} />
    </section>
  );
}

/** Names of the workers that the newest jobs name, sorted. */
function workersIn(known: readonly Job[]): readonly string[] {
  const names = new Set<string>();
  for (const { steps, worker } of known) {
    if (worker !== undefined) names.add(worker);
    for (const step of steps) if (step.worker !== undefined) names.add(step.worker);
  }
  return [...names].sort(new Intl.Collator('en', { numeric: true }).compare).slice(0, REMEMBERED_WORKERS);
}

function nameOf({ kind, name }: Place): string {
  if (kind === 'client') return t('clients');
  return kind === 'result' ? t('results') : name;
}

function PlaceBox({ place, count }: { readonly place: Place; readonly count: number }) {
  const { kind, x, y, width, height, description } = place;
  return (
    <g class={`place ${kind}`} data-place={place.id}>
      <title>{description}</title>
      <rect x={x} y={y} width={width} height={height} rx={kind === 'exchange' ? height / 2 : 8} />
      <text
        x={kind === 'exchange' ? x + width / 2 : x + 8}
        y={kind === 'exchange' ? y + height / 2 + 4 : y + 16}
        text-anchor={kind === 'exchange' ? 'middle' : 'start'}
      >
        {nameOf(place)}
      </text>
      {count > 0 && (
        <text class="count" x={x + width - 8} y={y + 16} text-anchor="end">
          {formatNumber(count)}
        </text>
      )}
    </g>
  );
}

/** The picture of a job, which moves when its state changes. */
function Token({ job, place, index }: { readonly job: Job; readonly place: Place; readonly index: number }) {
  const x = place.x + 8 + (index % PER_ROW) * (PICTURE + GAP);
  const y = place.y + TOP + Math.floor(index / PER_ROW) * (PICTURE + 1);
  const picture = pictureOf(job);
  return (
    <a
      href={jobLink(job.id)}
      class={`token ${job.state}`}
      style={{ transform: `translate(${x}px, ${y}px)` }}
      data-job={job.id}
      data-at={place.id}
      aria-label={`${job.name ?? job.id}: ${t(job.state)}`}
    >
      <title>{`${job.name ?? job.id}: ${t(job.state)}`}</title>
      <rect width={PICTURE} height={PICTURE} rx="4" />
      {picture !== undefined && (
        <image href={picture} width={PICTURE} height={PICTURE} preserveAspectRatio="xMidYMid slice" />
      )}
    </a>
  );
}

function EdgeLine({ edge, drawing }: { readonly edge: Edge; readonly drawing: Drawing }) {
  const from = drawing.places.find(({ id }) => id === edge.from);
  const to = drawing.places.find(({ id }) => id === edge.to);
  if (from === undefined || to === undefined) return null;
  const goesBack = to.x < from.x;
  const [x1, x2] = goesBack ? [from.x, to.x + to.width] : [from.x + from.width, to.x];
  const [y1, y2] = [
    from.y + from.height / 2 + (goesBack ? 14 : 0),
    to.y + to.height / 2 + (goesBack ? 14 : 0),
  ];
  const bend = Math.abs(x2 - x1) / 2;
  const curve = goesBack ? [x1 - bend, x2 + bend] : [x1 + bend, x2 - bend];
  return (
    <g class={`edge ${edge.kind}`}>
      <path d={`M${x1} ${y1} C${curve[0]} ${y1} ${curve[1]} ${y2} ${x2} ${y2}`} marker-end="url(#arrow)" />
      {edge.kind === 'binding' && edge.label !== '' && (
        <text x={x2 - 4} y={y2 - 6} text-anchor="end">
          {edge.label}
        </text>
      )}
    </g>
  );
}

/** Where the drawing is hidden; as in style.css. */
const NARROW = '(max-width: 700px)';

/** The same for those who do not see the drawing, and for narrow screens. */
function PlacesTable(props: {
  readonly drawing: Drawing;
  readonly byPlace: ReadonlyMap<string, readonly Job[]>;
}) {
  const { drawing, byPlace } = props;
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
                  <th scope="row">{nameOf(place)}</th>
                  <td>
                    {formatNumber(here.length)}{' '}
                    {here.slice(0, SHOWN).map((job) => (
                      <PictureLink key={job.id} job={job} />
                    ))}
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
  return (
    <a href={jobLink(job.id)} title={job.name}>
      {picture === undefined ? (
        (job.name ?? job.id)
      ) : (
        <img src={picture} alt={job.name ?? job.id} width={PICTURE} height={PICTURE} loading="lazy" />
      )}
    </a>
  );
}
