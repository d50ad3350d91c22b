import type { Job } from '../live/jobs.ts';
import { clock, pipeline } from '../live/pipeline.ts';
import { formatNumber, formatSeconds, t } from '../text/text.ts';

/** Whole seconds, so that a text does not flicker. */
const seconds = (value: number) => formatSeconds(Math.max(0, Math.round(value)));

const since = (at: string | undefined) => (at === undefined ? 0 : (clock.value - Date.parse(at)) / 1_000);

/** How a job goes on, in a few characters. */
export function captionOf(job: Job): string {
  const returnsIn = -since(job.retryAt);
  switch (job.state) {
    case 'queued':
      return forecastCaption(job);
    case 'retrying':
      return returnsIn > 0 ? seconds(returnsIn) : forecastCaption(job);
    case 'processing':
      return seconds(since(job.startedAt));
    case 'completed':
      return formatSeconds((Date.parse(job.updatedAt) - Date.parse(job.submittedAt)) / 1_000);
    case 'failed':
      return '';
  }
}

function forecastCaption({ id }: Job): string {
  const forecast = pipeline.value?.forecasts.get(id);
  if (typeof forecast?.eta_seconds === 'number') return `≈ ${seconds(forecast.eta_seconds)}`;
  return typeof forecast?.queue_position === 'number' ? `№ ${formatNumber(forecast.queue_position)}` : '';
}

/** How a job goes on: position, ETA and its range, worker and slot, or when it returns. */
export function progressOf(job: Job): string {
  const forecast = pipeline.value?.forecasts.get(job.id);
  return [
    t(job.state),
    ...(job.state === 'processing' && job.worker !== undefined ? [onWorker(job.worker, job.slot)] : []),
    ...(job.state === 'retrying' && since(job.retryAt) < 0
      ? [t('returnsIn', { seconds: seconds(-since(job.retryAt)) })]
      : []),
    ...(typeof forecast?.queue_position === 'number'
      ? [t('queuePosition', { n: forecast.queue_position })]
      : []),
    ...(typeof forecast?.eta_seconds === 'number'
      ? [etaText(forecast.eta_seconds, forecast.eta_range_seconds)]
      : []),
    ...(job.error !== undefined && job.state === 'failed' ? [job.error.code] : []),
  ].join(', ');
}

export function onWorker(worker: string, slot: number | undefined): string {
  return slot === undefined ? t('onWorker', { worker }) : t('onSlot', { worker, slot });
}

function etaText(eta: number, range: readonly [number, number] | null): string {
  const text = t('eta', { seconds: seconds(eta) });
  if (range === null) return text;
  return `${text} (${t('etaRange', { low: seconds(range[0]), high: seconds(range[1]) })})`;
}
