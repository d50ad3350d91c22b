import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { jobStateAfter } from '../../../../shared/contracts/job-order.ts';
import type { TimelineEntry } from '../../../../shared/contracts/job.ts';
import type { StatusResponse } from '../../../jobs/status-response.ts';
import type { PageSettings } from '../../../page/page-routes.ts';
import type { Job } from '../live/jobs.ts';
import { explainFailure, explainReason } from '../text/explain.ts';
import { formatDate, formatDuration, formatTime, t } from '../text/text.ts';
import { messageOf } from './message-of.ts';
import { cellOfSlot, drawTopology, placeOf } from './places.ts';
import { onWorker } from './progress-text.ts';
import { StateName } from './labels.tsx';
import { Token, Topology } from './topology.tsx';

/** Between two steps of the replay, in milliseconds. */
const STEP_MS = 900;

interface Props {
  readonly status: StatusResponse;
  /** The job according to the events; undefined for a job that is not in memory. */
  readonly live: Job | undefined;
  readonly settings: PageSettings;
}

/** The timeline with the time spent in each state, and a slider that replays it on the drawing. */
export function Journey({ status, live, settings }: Props) {
  // An event arrives before the status that is read because of it.
  const isAhead = live?.run === status.run && live.steps.length > status.timeline.length;
  const timeline = isAhead ? live.steps : status.timeline;
  const last = timeline.length - 1;
  const chosen = useSignal<number | undefined>(undefined);
  const isPlaying = useSignal(false);
  const index = Math.min(chosen.value ?? last, last);
  const step = timeline[index];
  useEffect(() => {
    if (!isPlaying.value) return;
    const timer = setTimeout(() => {
      if (index >= last) isPlaying.value = false;
      else chosen.value = index + 1;
    }, STEP_MS);
    return () => clearTimeout(timer);
  }, [isPlaying.value, index]);
  const play = () => {
    chosen.value = 0;
    isPlaying.value = true;
  };
  return (
    <>
      <h3>{t('timeline')}</h3>
      <p class="soft">{t(status.read_from === 'store' ? 'fromStore' : 'fromEventLog')}</p>
      <div class="scrubber">
        <button type="button" onClick={play}>
          {t('play')}
        </button>
        <input
          type="range"
          min={0}
          max={last}
          value={index}
          aria-label={t('replayJourney')}
          aria-valuetext={step === undefined ? '' : t(step.state)}
          onInput={({ currentTarget }) => {
            isPlaying.value = false;
            chosen.value = Number(currentTarget.value);
          }}
        />
      </div>
      {step !== undefined && <StepOnDrawing status={status} step={step} settings={settings} />}
      <Timeline timeline={timeline} current={index} />
      {step !== undefined && <Message step={step} settings={settings} />}
    </>
  );
}

/** Where the job was in this step. */
function StepOnDrawing(props: Omit<Props, 'live'> & { readonly step: TimelineEntry }) {
  const { status, step, settings } = props;
  const names = [...new Set(status.timeline.flatMap(({ worker }) => worker ?? []))];
  const drawing = useMemo(() => {
    const slots = Math.max(2, ...status.timeline.map(({ slot = 1 }) => slot));
    return drawTopology(
      settings,
      names.map((name) => ({ name, slots, isLive: true })),
    );
  }, [settings, names.join()]);
  const job: Job = {
    id: status.job_id,
    name: status.original.name,
    size: status.original.size,
    submittedAt: status.submitted_at,
    updatedAt: step.at,
    state: jobStateAfter(step.state),
    run: step.run,
    attempt: step.attempt,
    worker: step.worker,
    slot: step.slot,
    retryAt: step.retry_at,
    error: step.error,
    steps: [],
  };
  const at = placeOf(job, settings, Date.parse(step.at));
  const place = drawing.places.find(({ id }) => id === at);
  const index = place?.kind === 'worker' ? cellOfSlot(place, step.slot) : 0;
  return (
    <Topology drawing={drawing} label={t('replayJourney')} counts={new Map()}>
      {place !== undefined && (
        <Token key={job.id} job={job} place={place} index={index} caption="" label={t(step.state)} />
      )}
    </Topology>
  );
}

function Timeline(props: { readonly timeline: readonly TimelineEntry[]; readonly current: number }) {
  const { timeline, current } = props;
  return (
    <table class="timeline">
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
              class={at === current ? 'current' : ''}
              aria-current={at === current ? 'step' : undefined}
              data-step={`${entry.run} ${entry.attempt} ${entry.state} ${entry.worker ?? ''} ${entry.slot ?? ''}`.trim()}
            >
              <td>
                <StateName state={entry.state} />
              </td>
              <td title={formatDate(entry.at)}>{formatTime(entry.at)}</td>
              <td>{next === undefined ? '' : formatDuration(Date.parse(next.at) - Date.parse(entry.at))}</td>
              <td>{detailsOf(entry)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** Facts, and then the sentences that say why. */
function detailsOf(entry: TimelineEntry): string {
  const wait = entry.retry_at === undefined ? undefined : Date.parse(entry.retry_at) - Date.parse(entry.at);
  const facts = [
    t('attempt', { n: entry.attempt }),
    ...(entry.worker === undefined ? [] : [onWorker(entry.worker, entry.slot)]),
    ...(wait === undefined ? [] : [t('returnsIn', { seconds: formatDuration(wait) })]),
  ];
  return [
    facts.join(', '),
    ...(entry.reason === undefined ? [] : [explainReason(entry.reason)]),
    ...(entry.error === undefined ? [] : [`${entry.error.code}: ${explainFailure(entry.error)}`]),
  ].join('. ');
}

/** The message that brought the job into this state. */
function Message({ step, settings }: { readonly step: TimelineEntry; readonly settings: PageSettings }) {
  const { exchange, routingKey, queue, headers } = messageOf(step, settings);
  const rows: readonly (readonly [string, string])[] = [
    [t('exchange'), exchange],
    [t('key'), routingKey],
    [t('queue'), queue],
    ...Object.entries(headers),
    ...(step.redelivered === true ? [['redelivered', 'true'] as const] : []),
  ];
  return (
    <>
      <h3>{t('messages')}</h3>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <code>{value}</code>
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}
