import type { ConsumeMessage } from 'amqplib';
import type { OutgoingMessage } from './publish-channel.ts';
import { destinationOf } from './topology.ts';

/** A message as a handler receives it. */
export interface ReceivedMessage {
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly correlationId: string | undefined;
  /** 1 for the first delivery, counted by the quorum queue. */
  readonly deliveryNumber: number;
  /**
   * Aborts when the message will be delivered again whatever its handler does: the channel is closed, or the message was
   * held for too long and a copy of it is in the queue.
   */
  readonly lost: AbortSignal;
}

/**
 * Maximum size of a message that is decoded, in bytes; ours have a few kilobytes. RabbitMQ refuses larger ones than 2 MiB
 * (`max_message_size`), but may be configured otherwise, or keep older ones in a stream.
 */
const MAX_MESSAGE_BYTES = 1024 * 1024;

/** The JSON in a message. @throws Error if it is too large or no JSON */
export function decodeMessage(content: Buffer): unknown {
  if (content.length > MAX_MESSAGE_BYTES) {
    throw new Error(`the message has ${content.length} bytes; the maximum is ${MAX_MESSAGE_BYTES}`);
  }
  return JSON.parse(content.toString());
}

/** Header of a message that was published again for work that may have begun. */
export const REPUBLISHED_HEADER = 'x-republished';

export function receivedMessage(message: ConsumeMessage, lost: AbortSignal): ReceivedMessage {
  const headers = message.properties.headers ?? {};
  const returns: unknown = headers['x-delivery-count'];
  const correlationId: unknown = message.properties.correlationId;
  return {
    content: message.content,
    headers,
    correlationId: typeof correlationId === 'string' ? correlationId : undefined,
    // RabbitMQ 4.3 does not count a hand-back by `nack`, but marks the message as redelivered.
    deliveryNumber: Math.max(
      (typeof returns === 'number' ? returns : 0) + 1,
      message.fields.redelivered || headers[REPUBLISHED_HEADER] !== undefined ? 2 : 1,
    ),
    lost,
  };
}

/** The message as a new one, which was never delivered. */
export function copyOf({ content, properties }: ConsumeMessage, queue: string): OutgoingMessage {
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const headers = Object.entries(properties.headers ?? {}).filter(([name]) => name !== 'x-delivery-count');
  return {
    ...destinationOf(queue),
    body: content,
    messageId: text(properties.messageId),
    correlationId: text(properties.correlationId),
    type: text(properties.type),
    contentType: text(properties.contentType),
    headers: { ...Object.fromEntries(headers), [REPUBLISHED_HEADER]: 1 },
  };
}
