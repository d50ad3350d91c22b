import {
  ALL_JOBS,
  type AllJobsStateMessage,
  type JobStateMessage,
  type ServerMessage,
  type UnknownStateMessage,
} from '@image-pipeline/shared/contracts/websocket.ts';
import type { JobView } from '@image-pipeline/shared/jobs/job-view.ts';

/** The receiver of notifications: one WebSocket connection. */
export interface Subscriber {
  /** Whether so much is unsent that messages should wait. */
  readonly hasBacklog: boolean;
  /** Maximum bytes that the client may be behind; beyond it, call `cutSlowReader`. */
  readonly maxUnsentBytes: number;
  /** Sends a message; does nothing once the connection is closed. */
  send(frame: Frame): void;
  /** Resolves when everything sent has left this process, and it is the turn of this client to catch up. */
  nextTurn(): Promise<void>;
  /** Closes the connection of a client that reads more slowly than events arrive. */
  cutSlowReader(): void;
}

/** A serialised message: serialised once for all connections. */
export interface Frame {
  readonly type: ServerMessage['type'];
  /** UTF-8 text */
  readonly data: Buffer;
}

export function encode(message: ServerMessage): Frame {
  return { type: message.type, data: Buffer.from(JSON.stringify(message)) };
}

/**
 * The current state of a job as sent to its subscribers.
 * @param eventId where to resume; undefined before the first event
 */
export function jobStateMessage(
  jobId: string,
  view: JobView | undefined,
  eventId: string | undefined,
): JobStateMessage | UnknownStateMessage {
  const head = { type: 'state', job_id: jobId, event_id: eventId } as const;
  if (view === undefined) return { ...head, state: 'unknown' };
  const { request, attempt, state, timeline, outcome } = view;
  const message = { ...head, state, run: request.run, attempt, timeline: [...timeline] };
  switch (outcome?.state) {
    case undefined:
      return message;
    case 'completed':
      return { ...message, result: outcome.result, thumbnail: outcome.thumbnail };
    case 'failed':
      return { ...message, error: outcome.error };
  }
}

/** The newest jobs as sent to the subscribers of all jobs. */
export function allJobsStateMessage(
  jobs: readonly JobView[],
  eventId: string | undefined,
): AllJobsStateMessage {
  return {
    type: 'state',
    job_id: ALL_JOBS,
    event_id: eventId,
    jobs: jobs.map(({ request, state, attempt }) => ({
      job_id: request.job_id,
      state,
      run: request.run,
      attempt,
      submitted_at: request.submitted_at,
    })),
  };
}
