import type { LookupAddress } from 'node:dns';
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import type {
  WebhookBody,
  WebhookErrorCode,
  WebhookHeaders,
} from '@image-pipeline/shared/contracts/webhook.ts';
import { postInSpan } from '@image-pipeline/shared/tracing/http-spans.ts';
import type { AllowedReceivers } from '@image-pipeline/shared/webhooks/allowed-receivers.ts';
import { untilAborted } from '@image-pipeline/shared/waiting.ts';
import { Webhook } from 'standardwebhooks';
import {
  AddressRefused,
  errorCode,
  NameNotResolved,
  resolveReceiver,
  type Resolve,
} from './resolve-receiver.ts';
import type { EndEvent, PendingWebhook } from './webhook-message.ts';

/** Maximum bytes read of a response body before the connection is closed; the body is discarded. */
const MAX_RESPONSE_BYTES = 16 * 1024;
const RESPONSE_BODY_TIMEOUT_MS = 1_000;
const MAX_HEADER_BYTES = 16 * 1024;
/** Connect timeout per address if there are several. */
const ATTEMPT_TIMEOUT_MS = 1_000;

export interface PostOptions {
  readonly allowed: AllowedReceivers;
  readonly resolve: Resolve;
  /** From resolving the name to the head of the response. */
  readonly timeoutMs: number;
  /** Aborts the attempt, which then rejects. */
  readonly signal: AbortSignal;
}

/** The status of the response, or why there is none. */
export type PostResult =
  | { readonly status: number; readonly retryAfterMs?: number | undefined }
  /** `logged` is for the log only: it says what an internal name resolves to, which is not for who chose the name. */
  | { readonly code: WebhookErrorCode; readonly reason: string; readonly logged?: string };

/**
 * Posts once, to an address that was checked before, on a new connection. Does not follow redirects, ignores proxy
 * variables of the environment, and discards the response body.
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
    const response = await send(url, addresses, headers, body, signal);
    await discardBody(response);
    return { status: response.statusCode ?? 0, retryAfterMs: retryAfterMs(response.headers['retry-after']) };
  } catch (error) {
    options.signal.throwIfAborted();
    if (timeout.aborted) return { code: 'timed_out', reason: `The limit is ${options.timeoutMs} ms.` };
    if (error instanceof AddressRefused)
      return { code: 'address_refused', reason: '', logged: error.message };
    if (error instanceof NameNotResolved) return { code: error.code, reason: reasonOf(error.cause) };
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
    // Not the global agent, which may use a proxy.
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
  // Otherwise a response that switches protocols would never settle.
  request.on('upgrade', (response, socket) => {
    socket.destroy();
    resolve(response);
  });
  request.end(body);
  return promise;
}

/** Returns the addresses resolved before, so that the connection uses the checked address. */
function pinnedTo(addresses: readonly LookupAddress[]): LookupFunction {
  return (_hostname, { all }, callback) => {
    const [first] = addresses;
    if (first === undefined) callback(new Error('the host name has no address'), '');
    else if (all === true) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}

/** The status is known by then; errors in the body are ignored. */
async function discardBody(response: IncomingMessage): Promise<void> {
  let bytes = 0;
  const timer = setTimeout(() => response.destroy(), RESPONSE_BODY_TIMEOUT_MS);
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_RESPONSE_BYTES) break;
    }
  } catch {
    // Closed, or too slow.
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
}

/** Parses seconds or a date; undefined if it is neither. */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return ms > 0 ? ms : undefined;
}

const notConnected: readonly string[] = [
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
];

/** The code of a failed connection; certificate errors have their own codes. */
function codeOf(error: unknown): WebhookErrorCode {
  const code = errorCode(error);
  const isOfTls = /CERT|TLS|SSL|SIGNATURE|ISSUER/.test(code);
  return notConnected.includes(code) || isOfTls ? 'not_connected' : 'connection_lost';
}

/** The error's code, never its message, which may contain addresses and text from an unknown server. */
function reasonOf(error: unknown): string {
  const code = errorCode(error);
  return code === '' ? '' : `(${code})`;
}

export interface SendOptions extends PostOptions {
  readonly secrets: readonly string[];
  /** See PUBLIC_API_URL. */
  readonly apiUrl: string;
}

/** The result of one attempt. */
export interface SentWebhook {
  readonly result: PostResult;
  readonly at: Date;
  readonly durationMs: number;
}

/** Makes the body of a webhook, signs it as of now, and posts it once. @throws the reason of the signal */
export async function sendWebhook(
  { id, event, url }: PendingWebhook,
  options: SendOptions,
): Promise<SentWebhook> {
  const at = new Date();
  const began = performance.now();
  const body = JSON.stringify(webhookBody(event, options.apiUrl));
  const headers = {
    ...signWebhook(id, body, options.secrets, at),
    'content-type': 'application/json',
    'user-agent': 'image-pipeline-webhooks/1',
  };
  const result = await postInSpan(url, (trace) => postWebhook(url, { ...headers, ...trace }, body, options));
  return { result, at, durationMs: Math.round(performance.now() - began) };
}

/**
 * The headers that authenticate a webhook (Standard Webhooks 1.0): HMAC-SHA256 over `id.timestamp.body`.
 * @param id without dots, which separate the signed parts
 * @param secrets `whsec_…`, one or more: each signs, so that secrets can be rotated
 */
function signWebhook(id: string, body: string, secrets: readonly string[], at: Date): WebhookHeaders {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
  };
}

/**
 * The body of a webhook: the public part of the outcome, without keys of the store.
 * @param apiUrl prefix of the API's paths, without a trailing slash; if empty, URLs are relative
 */
function webhookBody(event: EndEvent, apiUrl: string): WebhookBody {
  const { job_id, run, attempt, outcome } = event.data;
  const data = { job_id, run, attempt, status: outcome.state, status_url: `${apiUrl}/status/${job_id}` };
  if (outcome.state === 'failed') {
    return { type: event.type, timestamp: event.time, data: { ...data, error: outcome.error } };
  }
  const { content_type, size, width, height, sha256 } = outcome.result;
  const result = { url: `${apiUrl}/results/${job_id}`, content_type, size, width, height, sha256 };
  const thumbnail_url = `${apiUrl}/thumbnail/${job_id}`;
  return { type: event.type, timestamp: event.time, data: { ...data, result, thumbnail_url } };
}
