import type { ComponentChildren } from 'preact';
import type { Job } from '../live/jobs.ts';
import { pictureOf } from '../live/pictures.ts';
import { jobLink } from '../route.ts';
import { formatNumber, t } from '../text/text.ts';
import { CELL, cellsPerRow, type Drawing, type Edge, type Place } from './places.ts';

const MAX_SCALE = 1.35;
const MARGIN = 8;

/** The boxes and arrows of the topology; the children are drawn over them. */
export function Topology(props: {
  readonly drawing: Drawing;
  readonly label: string;
  /** How many jobs are in each place. */
  readonly counts: ReadonlyMap<string, number>;
  /** A second line of a box. */
  readonly noteOf?: (place: Place) => string;
  readonly children: ComponentChildren;
}) {
  const { drawing, label, counts, noteOf = () => '', children } = props;
  const [width, height] = [drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN];
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={label}>
      <svg
        viewBox={`${-MARGIN} ${-MARGIN} ${width} ${height}`}
        style={{ maxWidth: `${width * MAX_SCALE}px` }}
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
        {drawing.edges.map((edge) => (
          <EdgeLabel key={`${edge.from} ${edge.to} ${edge.label}`} edge={edge} drawing={drawing} />
        ))}
        {drawing.places.map((place) => (
          <PlaceBox key={place.id} place={place} count={counts.get(place.id) ?? 0} note={noteOf(place)} />
        ))}
        {children}
      </svg>
    </div>
  );
}

export function nameOf({ kind, name }: Place): string {
  if (kind === 'client') return t('clients');
  return kind === 'result' ? t('results') : name;
}

/** Beside its note; in containers, names are random, and their ends differ. */
const MAX_WORKER_NAME = 22;

function shortened(name: string): string {
  return name.length <= MAX_WORKER_NAME ? name : `${name.slice(0, MAX_WORKER_NAME / 2)}…${name.slice(-10)}`;
}

function PlaceBox(props: { readonly place: Place; readonly count: number; readonly note: string }) {
  const { place, count, note } = props;
  const { kind, x, y, width, height, description } = place;
  const isCentred = kind === 'exchange' || kind === 'client';
  return (
    <g class={`place ${kind} ${place.isIdle === true ? 'idle' : ''}`} data-place={place.id}>
      <title>{description}</title>
      <rect x={x} y={y} width={width} height={height} rx={kind === 'exchange' ? height / 2 : 9} />
      <text
        x={isCentred ? x + width / 2 : x + CELL.left}
        y={isCentred ? y + height / 2 + 4 : y + 18}
        text-anchor={isCentred ? 'middle' : 'start'}
      >
        {kind === 'worker' ? shortened(place.name) : nameOf(place)}
      </text>
      {(note !== '' || count > 0) && (
        <text class="note" x={x + width - CELL.left} y={y + 18} text-anchor="end">
          {note}
          {count > 0 && <tspan class="count">{` ${formatNumber(count)}`}</tspan>}
        </text>
      )}
      {Array.from({ length: place.slots ?? 0 }, (_, slot) => (
        <rect key={slot} class="slot" {...cellAt(place, slot)} {...SQUARE} />
      ))}
    </g>
  );
}

const SQUARE = { width: CELL.picture, height: CELL.picture, rx: 5 };

/** The upper left corner of a picture in a box. */
function cellAt(place: Place, index: number): { x: number; y: number } {
  const perRow = cellsPerRow(place);
  return {
    x: place.x + CELL.left + (index % perRow) * CELL.width,
    y: place.y + CELL.top + Math.floor(index / perRow) * CELL.height,
  };
}

export interface TokenProps {
  readonly job: Job;
  readonly place: Place;
  /** Which cell of the box. */
  readonly index: number;
  /** A short text below the picture, and the whole text. */
  readonly caption: string;
  readonly label: string;
}

/** The picture of a job, which moves when its state changes. */
export function Token({ job, place, index, caption, label }: TokenProps) {
  const { x, y } = cellAt(place, index);
  const picture = pictureOf(job);
  return (
    <g
      class={`token ${job.state}`}
      style={{ transform: `translate(${x}px, ${y}px)` }}
      data-job={job.id}
      data-at={place.id}
      data-step={`${job.run} ${job.attempt} ${job.state}`}
    >
      <a href={jobLink(job.id)} aria-label={label}>
        <title>{label}</title>
        <rect {...SQUARE} />
        {picture !== undefined && (
          <image
            href={picture}
            width={CELL.picture}
            height={CELL.picture}
            preserveAspectRatio="xMidYMid slice"
          />
        )}
        <rect class="frame" {...SQUARE} />
      </a>
      <text x={CELL.picture / 2} y={CELL.picture + 12} text-anchor="middle" aria-hidden="true">
        {caption}
      </text>
    </g>
  );
}

function EdgeLine({ edge, drawing }: { readonly edge: Edge; readonly drawing: Drawing }) {
  const from = drawing.places.find(({ id }) => id === edge.from);
  const to = drawing.places.find(({ id }) => id === edge.to);
  if (from === undefined || to === undefined) return null;
  if (from.x === to.x) {
    const x = from.x + from.width / 2;
    return <path class="edge" d={`M${x} ${from.y + from.height} V${to.y}`} marker-end="url(#arrow)" />;
  }
  const goesBack = to.x < from.x;
  const below = goesBack ? 12 : 0;
  const [x1, x2] = goesBack ? [from.x, to.x + to.width] : [from.x + from.width, to.x];
  const y1 = from.y + from.height / 2 + below;
  const y2 = to.kind === 'result' ? Math.min(y1, to.y + to.height - 20) : to.y + to.height / 2 + below;
  const bend = (x2 - x1) / 2;
  return (
    <path
      class={`edge ${edge.kind}`}
      d={`M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}
      marker-end="url(#arrow)"
    />
  );
}

/** The routing key of a binding, above its arrow and in front of all lines. */
function EdgeLabel({ edge, drawing }: { readonly edge: Edge; readonly drawing: Drawing }) {
  const to = drawing.places.find(({ id }) => id === edge.to);
  if (to === undefined || edge.kind !== 'binding' || edge.label === '') return null;
  return (
    <text class="edge-label" x={to.x - 6} y={to.y + to.height / 2 - 6} text-anchor="end">
      {edge.label}
    </text>
  );
}
