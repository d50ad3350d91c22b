import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long, and for how many bytes, a body that nobody wants is read so that its sender can read our answer. */
const LINGER_MS = 2_000;
const LINGER_BYTES = 16 * 1024 * 1024;

/** Whether the client is still sending, or about to send, a body. */
export function isBodyUnread(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  const hasBody = encoding !== undefined || Number(length ?? 0) > 0;
  return hasBody && !request.complete && !request.destroyed;
}

/**
 * Ends an answer whose request is still coming in, and then the connection. Closing at once would reset it, and the
 * sender would lose the answer; so what still arrives is thrown away for a moment. The head must say
 * `Connection: close` and the length of `content`.
 */
export function endUnread(request: IncomingMessage, response: ServerResponse, content: string): void {
  let seen = 0;
  const finish = () => {
    clearTimeout(timer);
    request.off('data', count);
    response.end();
    request.socket.destroySoon();
  };
  const count = (chunk: Buffer) => {
    seen += chunk.length;
    if (seen > LINGER_BYTES) finish();
  };
  const timer = setTimeout(finish, LINGER_MS);
  response.write(content);
  request.on('data', count);
  request.once('end', finish);
  // Whoever read before may have paused it.
  request.resume();
  request.once('close', () => clearTimeout(timer));
}
