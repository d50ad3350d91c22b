import type { IncomingMessage } from 'node:http';
import { bearerToken, isToken } from '@image-pipeline/shared/access-token.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { z } from 'zod';
import { MAX_INTERVAL_SECONDS, MIN_INTERVAL_SECONDS } from '../config.ts';

const MAX_BODY_BYTES = 1_024;

/** The body of `PUT /interval`. */
const intervalOrderSchema = z.strictObject({
  seconds: z.number().min(MIN_INTERVAL_SECONDS).max(MAX_INTERVAL_SECONDS),
});

/**
 * The interval in a `PUT /interval` request, in seconds.
 * @param token the configured token; empty if there is none
 * @throws PipelineError `token_not_set`, `unauthorized`, `body_too_large`, `malformed_request`, `invalid_parameter`
 */
export async function readIntervalOrder(request: IncomingMessage, token: string): Promise<number> {
  if (token === '') {
    throw new PipelineError(
      'token_not_set',
      'This call needs a token, but API_TOKEN is not set. Set it to the output of: openssl rand -hex 32',
    );
  }
  const given = bearerToken(request.headers.authorization);
  if (given === undefined || !isToken(given, token)) {
    throw new PipelineError(
      'unauthorized',
      given === undefined
        ? 'This call needs the header "Authorization: Bearer $API_TOKEN".'
        : 'Invalid token.',
    );
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
      throw new PipelineError('body_too_large', `The body is too large. Maximum: ${MAX_BODY_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PipelineError('malformed_request', 'The body is malformed JSON. Example: {"seconds": 5}.', {
      cause,
    });
  }
}
