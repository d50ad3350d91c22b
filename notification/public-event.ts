import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';

/**
 * The event as subscribers are told it: without the address for a webhook, which may carry secrets of the uploader, and
 * whoever watches all jobs is somebody else.
 */
export function publicEvent(event: JobEvent): JobEvent {
  if (event.data.request.callback_url === undefined) return event;
  return withRequest(event, { ...event.data.request, callback_url: undefined });
}

function withRequest<Event extends JobEvent>(event: Event, request: Event['data']['request']): Event {
  return { ...event, data: { ...event.data, request } };
}
