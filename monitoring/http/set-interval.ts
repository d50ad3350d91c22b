import type { IncomingMessage } from 'node:http';
import { bearerToken, isToken } from '@image-pipeline/shared/access-token.ts';
import { PipelineError, type ErrorCode } from '@image-pipeline/shared/errors.ts';
import { intervalOrderSchema, MAX_INTERVAL_SECONDS, MIN_INTERVAL_SECONDS } from '../snapshot/interval.ts';

const MAX_BODY_BYTES = 1_024;

/** The statuses of what `PUT /interval` can be refused for. */
export const intervalRefusals = {
  token_not_set: 503,
  unauthorized: 401,
  body_too_large: 413,
  malformed_request: 400,
  invalid_parameter: 422,
} as const satisfies Partial<Record<ErrorCode, number>>;

/**
 * The interval that `PUT /interval` asks for, in seconds.
 * @param token the one that is configured; empty where none is
 * @throws PipelineError with a code of intervalRefusals
 */
export async function readIntervalOrder(request: IncomingMessage, token: string): Promise<number> {
  if (token === '') {
    throw new PipelineError(
      'token_not_set',
      'This call needs a token, and API_TOKEN is not set. To make one: openssl rand -hex 32',
    );
  }
  if (!isToken(bearerToken(request.headers.authorization) ?? '', token)) {
    throw new PipelineError('unauthorized', 'This call needs the token, as "Authorization: Bearer …".');
  }
  const order = intervalOrderSchema.safeParse(parseJson(await readBody(request)));
  if (order.success) return order.data.seconds;
  throw new PipelineError(
    'invalid_parameter',
    `The body must be {"seconds": n}, with n from ${MIN_INTERVAL_SECONDS} to ${MAX_INTERVAL_SECONDS}, for example {"seconds": 5}.`,
  );
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new PipelineError('body_too_large', `The body has more than ${MAX_BODY_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PipelineError('malformed_request', 'The body is not JSON; it should be {"seconds": 5}.', {
      cause,
    });
  }
}
