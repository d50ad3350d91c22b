import type { ServerMessage } from '@image-pipeline/shared/contracts/websocket.ts';

/** Who is told: one WebSocket connection. */
export interface Subscriber {
  /** Hands over a message; does nothing once the connection ends. */
  send(frame: Frame): void;
  /** Resolves when what was sent has left this process or the connection has ended: for sending in portions. */
  flushed(): Promise<void>;
  /** Ends the connection of a client that reads more slowly than events happen. */
  cutSlowReader(): void;
}

/** A message as it goes over the wire: serialised once, however many sockets it is sent to. */
export interface Frame {
  readonly type: ServerMessage['type'];
  /** UTF-8 text */
  readonly data: Buffer;
}

export function encode(message: ServerMessage): Frame {
  return { type: message.type, data: Buffer.from(JSON.stringify(message)) };
}
