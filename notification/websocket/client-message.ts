import {
  clientMessageSchema,
  handshakeQuerySchema,
  socketErrors,
  type ClientMessage,
  type SocketErrorCode,
} from '@image-pipeline/shared/contracts/websocket.ts';
import type { z } from 'zod';

/** Why a message was rejected, for the client. */
export interface Refusal {
  readonly code: SocketErrorCode;
  readonly message: string;
}

const ALLOWED = `Allowed messages: {"type":"subscribe","job_id":JOB,"last_event_id":TEXT,"token":TEXT}, of which the \
last two are optional, and {"type":"unsubscribe","job_id":JOB}; JOB is a job id (a UUIDv7 in lower case) or "*".`;

/** Parses the message in one frame. */
export function readClientMessage(data: Buffer, isBinary: boolean): ClientMessage | Refusal {
  const value = isBinary ? undefined : parseJson(data);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { code: 'malformed_message', message: `${socketErrors.malformed_message} ${ALLOWED}` };
  }
  return check(clientMessageSchema, value);
}

/** Parses the query of a handshake: a subscribe message for each `job_id`. */
export function readHandshakeQuery(query: URLSearchParams): (ClientMessage | Refusal)[] {
  return query.getAll('job_id').map((jobId) => {
    const asked = check(handshakeQuerySchema, { ...Object.fromEntries(query), job_id: jobId });
    return 'code' in asked ? asked : { type: 'subscribe', ...asked };
  });
}

function check<Value extends object>(schema: z.ZodType<Value>, value: unknown): Value | Refusal {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const problems = checked.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'message'}: ${message}`,
  );
  return { code: 'invalid_message', message: `${problems.join('; ')}. ${ALLOWED}` };
}

function parseJson(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString()) as unknown;
  } catch {
    return undefined;
  }
}
