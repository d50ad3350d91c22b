import { z } from 'zod';
import { errorCodes } from '../errors.ts';
import { jobEventSchema } from './event.ts';
import { failureSchema, givenJobIdSchema, jobIdSchema, jobStates, timelineEntrySchema } from './job.ts';
import { storedImageSchema } from './outcome.ts';
import { snapshotSchema } from './snapshot.ts';
import { workerReportSchema } from './worker-command.ts';

/**
 * The messages between the notification service and its WebSocket clients: one JSON object per text frame. `event_id` is
 * the position at which a client can resume: `{stream offset}-{fingerprint of the event}`, opaque to clients. It grows,
 * is not contiguous, and is the same in every replica.
 */

/** The wildcard in `job_id`: all jobs. */
export const ALL_JOBS = '*';

/** Maximum number of subscriptions of a connection. */
export const MAX_SUBSCRIPTIONS = 200;

/** Maximum number of jobs in the state of a wildcard subscription. */
export const LISTED_JOBS = 50;

const watched = z
  .union([z.literal(ALL_JOBS), givenJobIdSchema])
  .meta({ description: 'The id of a job, or * for all jobs.' });

const subscribeSchema = z
  .strictObject({
    type: z.literal('subscribe'),
    job_id: watched,
    last_event_id: z.string().max(200).optional().meta({
      description: 'The last event_id that you received: only later events are sent, and no state.',
    }),
    pipeline: z.boolean().optional().meta({
      description:
        'With *: whether to send the message pipeline every second, and when a worker changes. Default: false.',
    }),
    token: z.string().max(1_000).optional().meta({
      description:
        'API_TOKEN, required for * in production; you can send Authorization: Bearer with the handshake instead.',
    }),
  })
  .meta({ id: 'Subscribe', description: 'Requests the current state and all later events.' });

/**
 * The query of a connection: `/ws?job_id=…`, may be repeated. No token: URLs end up in logs.
 */
export const handshakeQuerySchema = subscribeSchema.omit({ type: true, token: true, pipeline: true });

const unsubscribeSchema = z
  .strictObject({ type: z.literal('unsubscribe'), job_id: watched })
  .meta({ id: 'Unsubscribe', description: 'Ends a subscription; the response is unsubscribed.' });

export const clientMessageSchema = z.discriminatedUnion('type', [subscribeSchema, unsubscribeSchema]);
export type SubscribeMessage = z.output<typeof subscribeSchema>;
export type ClientMessage = z.output<typeof clientMessageSchema>;

const eventId = z.string().meta({ description: 'Pass as last_event_id to resume after this.' });
const runNumber = z.int().min(1);

const jobStateMessageSchema = z
  .object({
    type: z.literal('state'),
    job_id: jobIdSchema,
    event_id: eventId.optional(),
    state: z.enum(jobStates),
    run: runNumber,
    attempt: z.int().min(1),
    timeline: z.array(timelineEntrySchema),
    result: storedImageSchema.optional(),
    thumbnail: storedImageSchema.optional(),
    error: failureSchema.optional(),
  })
  .meta({ id: 'JobStateMessage', description: 'The current state of the job; later events follow.' });

const unknownStateMessageSchema = z
  .object({
    type: z.literal('state'),
    job_id: jobIdSchema,
    event_id: eventId.optional(),
    state: z.literal('unknown'),
  })
  .meta({
    id: 'UnknownStateMessage',
    description:
      'No such job exists yet. The subscription stays active: events follow if the job is accepted.',
  });

const allJobsStateMessageSchema = z
  .object({
    type: z.literal('state'),
    job_id: z.literal(ALL_JOBS),
    event_id: eventId.optional(),
    jobs: z
      .array(
        z.object({
          job_id: jobIdSchema,
          state: z.enum(jobStates),
          run: runNumber,
          attempt: z.int().min(1),
          submitted_at: z.iso.datetime(),
        }),
      )
      .max(LISTED_JOBS),
  })
  .meta({ id: 'AllJobsStateMessage', description: `The newest jobs, at most ${LISTED_JOBS}, newest first.` });

const eventMessageSchema = z
  .object({ type: z.literal('event'), event_id: eventId, event: jobEventSchema })
  .meta({
    id: 'EventMessage',
    description: 'An event of a job. The events of a job arrive in order, once each.',
  });

/** Maximum number of forecasts in a message: the jobs that are processed and those at the head of the queue. */
export const LISTED_FORECASTS = 100;

const forecastSchema = z.object({
  job_id: jobIdSchema,
  queue_position: z.int().min(1).nullable(),
  eta_seconds: z.number().min(0).nullable(),
  eta_range_seconds: z
    .tuple([z.number().min(0), z.number().min(0)])
    .nullable()
    .meta({
      description:
        'Between which 80 % of the recent jobs ended that had this estimate; null while too few have.',
    }),
});
export type JobForecast = z.output<typeof forecastSchema>;

const pipelineMessageSchema = z
  .object({
    type: z.literal('pipeline'),
    at: z.iso.datetime(),
    forecasts: z.array(forecastSchema).max(LISTED_FORECASTS).meta({
      description: 'Position and ETA, as in /status, of the jobs in progress and of those that are next.',
    }),
    workers: z.array(workerReportSchema).meta({
      description: 'The newest report of each worker; empty in production.',
    }),
    snapshot: snapshotSchema.nullable().meta({
      description: 'The response of /status of the monitoring service; null if it has never responded.',
    }),
  })
  .meta({
    id: 'PipelineMessage',
    description: 'The state of the whole pipeline, every second, if the subscription to * requested it.',
  });

export const resetReasons = {
  malformed_event_id: 'Malformed last_event_id.',
  event_id_too_old: 'last_event_id is older than the events kept for resuming.',
  event_id_unknown: 'last_event_id is not in the event log.',
  log_reset: 'The event log has a gap or was recreated, so events may be missing.',
} as const;
export type ResetReason = keyof typeof resetReasons;

const resetMessageSchema = z
  .object({
    type: z.literal('reset'),
    job_id: watched,
    reason: z.enum(Object.keys(resetReasons) as [ResetReason, ...ResetReason[]]),
    message: z.string(),
  })
  .meta({
    id: 'ResetMessage',
    description:
      'Discard your state of this job (or of all jobs): events may be missing. The current state follows.',
  });

const unsubscribedMessageSchema = z
  .object({ type: z.literal('unsubscribed'), job_id: watched })
  .meta({ id: 'UnsubscribedMessage', description: 'The subscription has ended: no more events follow.' });

export const socketErrors = {
  malformed_message: 'Malformed message: send a JSON object in a text frame.',
  invalid_message: 'A field is missing, unknown or invalid.',
  token_required: 'This subscription requires the API token.',
  token_not_set: 'This subscription requires an API token, and none is configured. Set API_TOKEN.',
  too_many_subscriptions:
    'The connection, its address or the service has the maximum number of subscriptions.',
  rate_limited: 'Too many messages; this one was ignored.',
  store_unavailable: `${errorCodes.store_unavailable} The subscription stays active; its state follows when the store is available.`,
  internal_error: errorCodes.internal_error,
} as const;
export type SocketErrorCode = keyof typeof socketErrors;

const errorMessageSchema = z
  .object({
    type: z.literal('error'),
    code: z.enum(Object.keys(socketErrors) as [SocketErrorCode, ...SocketErrorCode[]]),
    message: z.string(),
    job_id: watched.optional(),
  })
  .meta({
    id: 'ErrorMessage',
    description: 'The request failed. The connection stays open.',
  });

export const serverMessageSchema = z.union([
  jobStateMessageSchema,
  unknownStateMessageSchema,
  allJobsStateMessageSchema,
  eventMessageSchema,
  pipelineMessageSchema,
  resetMessageSchema,
  unsubscribedMessageSchema,
  errorMessageSchema,
]);

export type JobStateMessage = z.output<typeof jobStateMessageSchema>;
export type UnknownStateMessage = z.output<typeof unknownStateMessageSchema>;
export type AllJobsStateMessage = z.output<typeof allJobsStateMessageSchema>;
export type PipelineMessage = z.output<typeof pipelineMessageSchema>;
export type ServerMessage = z.output<typeof serverMessageSchema>;

/** Close codes of the service (RFC 6455, section 7.4); `ws` adds 1002, 1007 and 1009 for malformed frames. */
export const closeCodes = {
  going_away: { code: 1001, description: 'The service is stopping. Reconnect and resume.' },
  abuse: { code: 1008, description: 'Too many invalid messages.' },
  slow_reader: { code: 1013, description: 'The client reads too slowly. Reconnect and resume.' },
} as const;
export type CloseReason = keyof typeof closeCodes;

/** Why a WebSocket handshake is refused: problem details with this `code`, title and detail. */
export const handshakeRefusals = {
  not_found: { status: 404, title: errorCodes.not_found, detail: 'WebSockets are at /ws.' },
  host_not_allowed: {
    status: 421,
    title: errorCodes.host_not_allowed,
    detail:
      'Use localhost or an IP address, or add the name, without port, to ALLOWED_HOSTS in .env and restart.',
  },
  too_many_parameters: {
    status: 422,
    title: 'Too many parameters in the address.',
    detail: `Send job_id at most ${MAX_SUBSCRIPTIONS} times, and last_event_id once.`,
  },
  origin_not_allowed: {
    status: 403,
    title: 'Pages of this origin are not allowed to connect.',
    detail: 'Allow the origin in WEBSOCKET_ORIGINS.',
  },
  too_many_connections_from_address: {
    status: 429,
    title: 'Too many connections from this address.',
    detail: 'Close one, or retry after the given delay.',
  },
  too_many_connections: {
    status: 503,
    title: 'Too many connections.',
    detail: 'Retry after the given delay.',
  },
  service_unavailable: {
    status: 503,
    title: 'The service is starting or stopping.',
    detail: 'Retry after the given delay.',
  },
} as const;
export type HandshakeRefusal = keyof typeof handshakeRefusals;
