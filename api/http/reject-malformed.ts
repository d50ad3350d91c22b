import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { problemOf } from './problem.ts';

/** Answers what is no readable request or never arrived whole, and hangs up. */
export function answerUnreadable(server: Server): void {
  const newest = new WeakMap<Duplex, ServerResponse>();
  const remember = (request: IncomingMessage, response: ServerResponse) =>
    newest.set(request.socket, response);
  server.prependListener('request', remember);
  server.prependListener('checkContinue', remember);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const isAnswered = newest.get(socket)?.headersSent ?? false;
    if (isAnswered || !socket.writable || error.code === 'ECONNRESET') socket.destroy();
    else socket.end(rawAnswer(error.code));
  });
}

function rawAnswer(code: string | undefined): string {
  const problem = problemOf(
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new PipelineError('request_timeout', 'The request did not arrive whole in time.')
      : new PipelineError('malformed_request', 'This is no HTTP request that can be read.'),
  );
  const content = `${JSON.stringify(problem)}\n`;
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(content)}`,
    'Connection: close',
    '',
    content,
  ].join('\r\n');
}
