import {
  type IncomingMessage,
  maxHeaderSize,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { PipelineError } from '../errors.ts';
import { commonProblem, PROBLEM_TYPE } from './problem.ts';

/** How long, and for how many bytes, a client that has its response may go on sending, so that it can read the response. */
export const LINGER_MS = 2_000;
export const LINGER_BYTES = 16 * 1024 * 1024;

/** A URL of this length leaves too little room for headers: both share the limit `maxHeaderSize`. */
const MAX_URL_BYTES = maxHeaderSize / 2;

/**
 * Responds with problem details to what never becomes a complete request: malformed or oversized heads, malformed chunks,
 * requests that time out, and CONNECT. Then it closes the connection, whether or not the client does.
 */
export function respondToClientErrors(server: Server): void {
  const newest = new WeakMap<Duplex, { request: IncomingMessage; response: ServerResponse }>();
  /** How many bytes of each connection were received before its error. */
  const failed = new WeakMap<Duplex, number>();
  const remember = (request: IncomingMessage, response: ServerResponse) =>
    newest.set(request.socket, { request, response });
  server.prependListener('request', remember);
  server.prependListener('checkContinue', remember);
  server.prependListener('checkExpectation', remember);
  server.on('clientError', (error: ClientError, socket) => {
    const received = socket instanceof Socket ? socket.bytesRead : 0;
    const receivedBefore = failed.get(socket);
    if (receivedBefore !== undefined) {
      // The parser fails again for everything that follows.
      if (received - receivedBefore > LINGER_BYTES) socket.destroy();
      return;
    }
    failed.set(socket, received);
    const { request, response } = newest.get(socket) ?? {};
    if (!socket.writable || error.code === 'ECONNRESET') socket.destroy();
    else if (response?.headersSent === true && !response.writableFinished) endSocket(socket, '');
    else endWithProblem(socket, commonProblem(clientProblem(error)));
    // The rest of the body never comes: the application must not hold anything for it.
    if (request?.complete === false) request.emit('aborted');
  });
  server.on('connect', (_request, socket) => {
    const problem = new PipelineError('method_not_allowed', 'CONNECT is not supported. Allowed: GET, HEAD.');
    endWithProblem(socket, commonProblem(problem), { Allow: 'GET, HEAD' });
  });
}

/** An error of Node's HTTP parser. */
type ClientError = NodeJS.ErrnoException & { readonly rawPacket?: Buffer };

function clientProblem({ code, rawPacket }: ClientError): PipelineError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new PipelineError('request_timeout', 'The request timed out before it was received completely.');
    case 'HPE_HEADER_OVERFLOW':
      return startsWithLongUrl(rawPacket)
        ? tooLarge('url_too_long', 'URL too long.', MAX_URL_BYTES)
        : tooLarge('headers_too_large', 'Request headers too large, including the URL.', maxHeaderSize);
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new PipelineError(
        'body_too_large',
        'Chunk extensions too large. Send chunks without extensions.',
      );
    case 'HPE_INVALID_TRANSFER_ENCODING':
      return new PipelineError('malformed_request', 'Unsupported Transfer-Encoding. Supported: chunked.');
    case undefined:
    default:
      return new PipelineError('malformed_request', `Malformed HTTP request${reasonOf(code)}.`);
  }
}

function tooLarge(code: 'url_too_long' | 'headers_too_large', what: string, limit: number): PipelineError {
  return new PipelineError(code, `${what} Maximum: ${limit} bytes.`, { details: { limit } });
}

/** If a request line comes in several packets, the headers are blamed. */
function startsWithLongUrl(packet: Buffer | undefined): boolean {
  const start = packet?.toString('latin1', 0, maxHeaderSize) ?? '';
  const lineEnd = start.indexOf('\n');
  return /^[A-Z-]+ \S/.test(start) && (lineEnd === -1 || lineEnd > MAX_URL_BYTES);
}

/** `HPE_INVALID_CHUNK_SIZE` → `: invalid chunk size` */
function reasonOf(code: string | undefined): string {
  const words = /^HPE_(INVALID_\w+)$/.exec(code ?? '')?.[1];
  return words === undefined ? '' : `: ${words.toLowerCase().replaceAll('_', ' ')}`;
}

/** Sends problem details on a socket without a ServerResponse, then closes it. */
export function endWithProblem(
  socket: Duplex,
  problem: { readonly status: number },
  headers: Readonly<Record<string, string>> = {},
): void {
  const content = `${JSON.stringify(problem)}\n`;
  const all = {
    'Content-Type': PROBLEM_TYPE,
    ...headers,
    'Content-Length': Buffer.byteLength(content),
    Connection: 'close',
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const status = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`;
  endSocket(socket, [status, ...lines, '', content].join('\r\n'));
}

/** Closing at once would reset the connection of a client that is still sending, and it would lose the text. */
function endSocket(socket: Duplex, text: string): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.on('error', () => socket.destroy());
  socket.end(text);
  socket.resume();
}
