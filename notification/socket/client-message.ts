import {
  clientMessageSchema,
  socketErrors,
  type ClientMessage,
  type SocketErrorCode,
} from '@image-pipeline/shared/contracts/websocket.ts';

/** Why a message was not acted upon, for the client. */
export interface Refusal {
  readonly code: SocketErrorCode;
  readonly message: string;
}

const ALLOWED = `Allowed are {"type":"subscribe","job_id":JOB,"last_event_id":TEXT,"token":TEXT}, of which the \
last two may be left out, and {"type":"unsubscribe","job_id":JOB}; JOB is a job id (a UUIDv7 in lower case) or "*".`;

/** What a client has sent in one frame. */
export function readClientMessage(data: Buffer, isBinary: boolean): ClientMessage | Refusal {
  const value = isBinary ? undefined : parseJson(data);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { code: 'malformed_message', message: `${socketErrors.malformed_message} ${ALLOWED}` };
  }
  return checkClientMessage(value);
}

/** A message of the client in whatever form it came. */
export function checkClientMessage(value: object): ClientMessage | Refusal {
  const checked = clientMessageSchema.safeParse(value);
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
