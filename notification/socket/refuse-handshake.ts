import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { handshakeRefusals, type HandshakeRefusal } from '@image-pipeline/shared/contracts/websocket.ts';

/** Seconds after which one that was refused for want of room may try again. */
const RETRY_AFTER = 5;

/** Answers a WebSocket handshake with an HTTP error and ends its connection. */
export function refuseHandshake(socket: Duplex, refusal: HandshakeRefusal): void {
  const { status, description } = handshakeRefusals[refusal];
  const body = `${JSON.stringify({ code: refusal, error: description })}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(status === 429 || status === 503 ? [`Retry-After: ${RETRY_AFTER}`] : []),
  ];
  // Sockets of an HTTP server stay half-open otherwise, for as long as the peer likes.
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
