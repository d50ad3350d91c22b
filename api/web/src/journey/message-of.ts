import { closestDelay, SLOW_IMAGE } from '../../../../shared/contracts/job-order.ts';
import type { TimelineEntry } from '../../../../shared/contracts/job.ts';
import type { PageSettings } from '../../../page/page-routes.ts';

export interface Message {
  readonly exchange: string;
  readonly routingKey: string;
  readonly queue: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The message that brought a job to a state: a job message for a place in a queue, an event for a start or a result. A
 * retry names its next attempt.
 */
export function messageOf(
  step: TimelineEntry,
  settings: Pick<PageSettings, 'queues' | 'retry_delays'>,
): Message {
  const headers = (attempt: number) => ({ 'x-run': String(step.run), 'x-attempt': String(attempt) });
  const to = (queue: string, attempt: number): Message => {
    const binding = settings.queues.find(({ name }) => name === queue)?.bindings[0];
    return {
      exchange: binding?.exchange ?? '',
      routingKey: binding?.routingKey ?? '',
      queue,
      headers: headers(attempt),
    };
  };
  switch (step.state) {
    case 'queued':
      return to('image.jobs.process', step.attempt);
    case 'retrying':
    case 'postponed': {
      if (step.error?.code === SLOW_IMAGE) return to('image.jobs.slow', step.attempt + 1);
      const wait = Date.parse(step.retry_at ?? step.at) - Date.parse(step.at);
      const delay = closestDelay(wait, settings.retry_delays, ({ delay_ms }) => delay_ms);
      return to(`image.jobs.retry.${delay?.label ?? ''}`, step.attempt + 1);
    }
    case 'failed':
      return to('image.jobs.dead', step.attempt);
    case 'redelivered':
    case 'processing':
    case 'completed': {
      const type = `job.${step.state === 'processing' ? 'started' : step.state}`;
      return { exchange: 'image.events', routingKey: type, queue: 'image.events.log', headers: {} };
    }
  }
}
