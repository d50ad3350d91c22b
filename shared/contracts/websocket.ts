import { z } from 'zod';
import { errorCodes } from '../errors.ts';
import { jobEventSchema } from './event.ts';
import { failureSchema, jobIdSchema, jobStates, timelineEntrySchema } from './job.ts';
import { storedImageSchema } from './outcome.ts';

/**
 * What the notification service and its WebSocket clients say to each other: one JSON object a text frame.
 * `event_id` is where a client may resume: `{stream offset}-{fingerprint of the event}`, opaque to clients. It
 * grows, is not contiguous, and means the same to every replica.
 */

/** Stands for every job in `job_id`. */
export const ALL_JOBS = '*';

/** How many jobs the state of a wildcard subscription lists. */
export const LISTED_JOBS = 50;

const watched = z
  .union([z.literal(ALL_JOBS), jobIdSchema])
  .meta({ description: 'The id of a job, or * for all jobs.' });

export const subscribeSchema = z
  .strictObject({
    type: z.literal('subscribe'),
    job_id: watched,
    last_event_id: z.string().max(200).optional().meta({
      description: 'The last event_id that was received: only what came later is sent, and no state.',
    }),
    token: z.string().max(1_000).optional().meta({
      description:
        'API_TOKEN, which * needs in production; instead, the request may carry Authorization: Bearer.',
    }),
  })
  .meta({ id: 'Subscribe', description: 'Asks for the present state and every later event.' });

/**
 * What the address of a connection may ask for: `/ws?job_id=…`, several times too. No token: addresses end up in logs.
 */
export const handshakeQuerySchema = subscribeSchema.omit({ type: true, token: true });

export const unsubscribeSchema = z
  .strictObject({ type: z.literal('unsubscribe'), job_id: watched })
  .meta({ id: 'Unsubscribe', description: 'Ends a subscription; answered with unsubscribed.' });

export const clientMessageSchema = z.discriminatedUnion('type', [subscribeSchema, unsubscribeSchema]);
export type SubscribeMessage = z.output<typeof subscribeSchema>;
export type ClientMessage = z.output<typeof clientMessageSchema>;

const eventId = z.string().meta({ description: 'Pass as last_event_id to resume after this.' });
const runNumber = z.int().min(1);

export const jobStateMessageSchema = z
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
  .meta({ id: 'JobStateMessage', description: 'All that is known of the job now; later events follow.' });

export const unknownStateMessageSchema = z
  .object({
    type: z.literal('state'),
    job_id: jobIdSchema,
    event_id: eventId.optional(),
    state: z.literal('unknown'),
  })
  .meta({
    id: 'UnknownStateMessage',
    description: 'No such job has been accepted yet. The subscription holds: its events follow if it is.',
  });

export const allJobsStateMessageSchema = z
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

export const eventMessageSchema = z
  .object({ type: z.literal('event'), event_id: eventId, event: jobEventSchema })
  .meta({
    id: 'EventMessage',
    description: 'What happened to a job, in the order of a job’s life, once each.',
  });

export const resetReasons = {
  malformed_event_id: 'last_event_id is not one that this service gives out.',
  event_id_too_old: 'last_event_id is older than the events that are kept for resuming.',
  event_id_unknown: 'last_event_id names an event that is not in this event log.',
  log_reset: 'The event log has a gap or was made anew, so events may have been missed.',
} as const;
export type ResetReason = keyof typeof resetReasons;

export const resetMessageSchema = z
  .object({
    type: z.literal('reset'),
    job_id: watched,
    reason: z.enum(Object.keys(resetReasons) as [ResetReason, ...ResetReason[]]),
    message: z.string(),
  })
  .meta({
    id: 'ResetMessage',
    description:
      'Forget what you know of this job (or of all): events may have been missed. The state follows.',
  });

export const unsubscribedMessageSchema = z
  .object({ type: z.literal('unsubscribed'), job_id: watched })
  .meta({ id: 'UnsubscribedMessage', description: 'No event of this subscription follows.' });

export const socketErrors = {
  malformed_message: 'The message is not a JSON object in a text frame.',
  invalid_message: 'A field is missing, unknown or out of form.',
  token_required: 'This subscription needs the API token.',
  token_not_set: 'This subscription needs an API token, and the service has none configured.',
  too_many_subscriptions: 'The connection holds as many subscriptions as it may.',
  rate_limited: 'The connection sends more messages than it may; this one was not read.',
  store_unavailable: `${errorCodes.store_unavailable} The subscription holds; its state follows when the store is back.`,
  internal_error: errorCodes.internal_error,
} as const;
export type SocketErrorCode = keyof typeof socketErrors;

export const errorMessageSchema = z
  .object({
    type: z.literal('error'),
    code: z.enum(Object.keys(socketErrors) as [SocketErrorCode, ...SocketErrorCode[]]),
    message: z.string(),
    job_id: watched.optional(),
  })
  .meta({
    id: 'ErrorMessage',
    description: 'What was asked for could not be done. The connection stays open.',
  });

export const serverMessageSchema = z.union([
  jobStateMessageSchema,
  unknownStateMessageSchema,
  allJobsStateMessageSchema,
  eventMessageSchema,
  resetMessageSchema,
  unsubscribedMessageSchema,
  errorMessageSchema,
]);

export type JobStateMessage = z.output<typeof jobStateMessageSchema>;
export type UnknownStateMessage = z.output<typeof unknownStateMessageSchema>;
export type AllJobsStateMessage = z.output<typeof allJobsStateMessageSchema>;
export type ServerMessage = z.output<typeof serverMessageSchema>;

/** Close codes of the service's own (RFC 6455, section 7.4); `ws` adds 1002, 1007 and 1009 for malformed frames. */
export const closeCodes = {
  going_away: { code: 1001, description: 'The service stops. Come back and resume.' },
  abuse: { code: 1008, description: 'Too many messages that could not be understood.' },
  slow_reader: { code: 1013, description: 'The client reads too slowly. Come back and resume.' },
} as const;
export type CloseReason = keyof typeof closeCodes;

/** Answers to a WebSocket handshake that is refused, as JSON `{code, error}`. */
export const handshakeRefusals = {
  not_found: { status: 404, description: 'WebSockets are at /ws.' },
  origin_not_allowed: { status: 403, description: 'The page’s origin is not one that may connect.' },
  too_many_of_address: { status: 429, description: 'Too many connections from this address.' },
  too_many_connections: { status: 503, description: 'Too many connections.' },
  not_ready: { status: 503, description: 'The service is starting or stopping.' },
} as const;
export type HandshakeRefusal = keyof typeof handshakeRefusals;
