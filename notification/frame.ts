import type { ServerMessage } from '@image-pipeline/shared/contracts/websocket.ts';

/** A message as it goes over the wire: serialised once, however many sockets it is sent to. */
export interface Frame {
  readonly type: ServerMessage['type'];
  /** UTF-8 text */
  readonly data: Buffer;
}

export function encode(message: ServerMessage): Frame {
  return { type: message.type, data: Buffer.from(JSON.stringify(message)) };
}
