import type { LookupAddress } from 'node:dns';
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { WebhookErrorCode } from '@image-pipeline/shared/contracts/webhook.ts';
import type { AllowedReceivers } from '@image-pipeline/shared/webhooks/allowed-receivers.ts';
import { AddressRefused, resolveReceiver, type Resolve } from './resolve-receiver.ts';

/** What is read of an answer before its connection is ended; it is thrown away. */
const MAX_ANSWER_BYTES = 16 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
/** Of several addresses, how long one is tried before the next. */
const ATTEMPT_TIMEOUT_MS = 1_000;

export interface PostOptions {
  readonly allowed: AllowedReceivers;
  readonly resolve: Resolve;
  /** From resolving the name to the head of the answer. */
  readonly timeoutMs: number;
  /** Ends the attempt; then this rejects. */
  readonly signal: AbortSignal;
}

/** What came of it: the status of an answer, or why none came. */
export type PostResult =
  | { readonly status: number; readonly retryAfterMs?: number | undefined }
  | { readonly code: WebhookErrorCode; readonly reason: string };

/**
 * Posts once, to an address that was checked before, on a connection of its own. Redirects are not followed, proxies of
 * the environment not used, and what the receiver says beyond its status is thrown away.
 */
export async function postWebhook(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  options: PostOptions,
): Promise<PostResult> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([timeout, options.signal]);
  try {
    const resolved = resolveReceiver(url, options.allowed, options.resolve, signal);
    const addresses = await untilAborted(resolved, signal);
    const answer = await send(url, addresses, headers, body, signal);
    await throwAway(answer);
    return { status: answer.statusCode ?? 0, retryAfterMs: retryAfterMs(answer.headers['retry-after']) };
  } catch (error) {
    options.signal.throwIfAborted();
    if (timeout.aborted) return { code: 'timed_out', reason: `The limit is ${options.timeoutMs} ms.` };
    if (error instanceof AddressRefused) return { code: 'address_refused', reason: `${error.message}.` };
    return { code: codeOf(error), reason: reasonOf(error) };
  }
}

function send(
  url: URL,
  addresses: readonly LookupAddress[],
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const options: RequestOptions & { autoSelectFamilyAttemptTimeout: number } = {
    method: 'POST',
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    // Not the global agent, which may be told to use a proxy.
    agent: false,
    lookup: pinnedTo(addresses),
    autoSelectFamilyAttemptTimeout: ATTEMPT_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = url.protocol === 'https:' ? requestHttps(url, options) : requestHttp(url, options);
  request.on('response', resolve);
  request.on('error', reject);
  // Or an answer that switches protocols would never settle.
  request.on('upgrade', (answer, socket) => {
    socket.destroy();
    resolve(answer);
  });
  request.end(body);
  return promise;
}

/** Answers what was resolved before, so that the address that was checked is the one that is connected to. */
function pinnedTo(addresses: readonly LookupAddress[]): LookupFunction {
  return (_hostname, { all }, callback) => {
    const [first] = addresses;
    if (first === undefined) callback(new Error('the name has no address'), '');
    else if (all === true) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}

/** The status is known by then: whatever happens to the rest changes nothing. */
async function throwAway(answer: IncomingMessage): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) break;
    }
  } catch {
    // Cut, or too slow.
  } finally {
    answer.destroy();
  }
}

/** Seconds, or a date; undefined for what is neither. */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return ms > 0 ? ms : undefined;
}

function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(new Error('aborted', { cause: signal.reason }));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', abort));
}

const notConnected: readonly string[] = [
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
];

/** What a connection of Node's fails with; certificates have codes of their own. */
function codeOf(error: unknown): WebhookErrorCode {
  const code = errorCode(error);
  if (/^(ENOTFOUND|EAI_|ENODATA)/.test(code)) return 'name_not_found';
  const isOfTls = /CERT|TLS|SSL|SIGNATURE|ISSUER/.test(code);
  return notConnected.includes(code) || isOfTls ? 'not_connected' : 'connection_lost';
}

/** Its code, never its text, which may show addresses and what an unknown machine said. */
function reasonOf(error: unknown): string {
  const code = errorCode(error);
  return code === '' ? '' : `(${code})`;
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
