import type { ServerMessage } from '@image-pipeline/shared/contracts/websocket.ts';

/** The receiver of notifications: one WebSocket connection. */
export interface Subscriber {
  /** Sends a message; does nothing once the connection is closed. */
  send(frame: Frame): void;
  /** Resolves when everything sent has left this process, or the connection is closed: for sending in portions. */
  flushed(): Promise<void>;
  /** Closes the connection of a client that reads more slowly than events arrive. */
  cutSlowReader(): void;
}

/** A serialised message: serialised once for all connections. */
export interface Frame {
  readonly type: ServerMessage['type'];
  /** UTF-8 text */
  readonly data: Buffer;
}

export function encode(message: ServerMessage): Frame {
  return { type: message.type, data: Buffer.from(JSON.stringify(message)) };
}
