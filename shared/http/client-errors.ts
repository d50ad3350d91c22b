import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { PipelineError } from '../errors.ts';
import { commonProblem, type Problem, PROBLEM_TYPE } from './problem.ts';

/** Responds to requests that are malformed or time out with problem details, and closes their connections. */
export function respondToClientErrors(server: Server): void {
  const newest = new WeakMap<Duplex, ServerResponse>();
  const remember = (request: IncomingMessage, response: ServerResponse) =>
    newest.set(request.socket, response);
  server.prependListener('request', remember);
  server.prependListener('checkContinue', remember);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const hasResponse = newest.get(socket)?.headersSent ?? false;
    if (hasResponse || !socket.writable || error.code === 'ECONNRESET') socket.destroy();
    else socket.end(rawProblem(problemOf(error.code)));
  });
}

function problemOf(code: string | undefined): Problem {
  return commonProblem(
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new PipelineError('request_timeout', 'The request timed out before it was received completely.')
      : new PipelineError('malformed_request', 'Malformed HTTP request.'),
  );
}

/** A whole HTTP response with problem details, for a socket without a `ServerResponse`. Close the connection after it. */
export function rawProblem(
  problem: { readonly status: number },
  headers: Readonly<Record<string, string>> = {},
): string {
  const content = `${JSON.stringify(problem)}\n`;
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(content)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'Connection: close',
    '',
    content,
  ].join('\r\n');
}
