import { context, SpanKind, SpanStatusCode, type Attributes } from '@opentelemetry/api';
import type { ReceivedMessage, Settlement } from '../broker/consumer.ts';
import type { OutgoingMessage } from '../broker/publisher.ts';
import type { JobEvent } from '../contracts/event.ts';
import { beginSpan, inChildSpan, inSpan, noteStep, receivedContext } from './spans.ts';
import { formatTraceparent, TRACEPARENT } from './traceparent.ts';

type Headers = NonNullable<OutgoingMessage['headers']>;

/**
 * Publishes a message in a PRODUCER span of the active trace, and sends it as the header `traceparent`. Without an active
 * trace there is neither. Names are those of OpenTelemetry's semantic conventions for RabbitMQ.
 */
export function publishInSpan(
  message: OutgoingMessage,
  publish: (headers: Headers) => Promise<void>,
): Promise<void> {
  const { exchange, routingKey, headers = {} } = message;
  const destination = exchange === '' ? routingKey : `${exchange}:${routingKey}`;
  return inChildSpan(`publish ${destination}`, { kind: SpanKind.PRODUCER }, (span) => {
    if (span === undefined) return publish(headers);
    if (span.isRecording()) {
      span.setAttributes({
        ...messagingAttributes('publish', 'send', destination, message.correlationId),
        'messaging.message.id': message.messageId,
        'messaging.rabbitmq.destination.routing_key': routingKey,
      });
    }
    return publish({ ...headers, [TRACEPARENT]: formatTraceparent(span.spanContext()) });
  });
}

/** The attribute `error.type` of a message that is not acknowledged. */
const settlementErrors: Readonly<Record<Settlement, string | undefined>> = {
  ack: undefined,
  'dead-letter': 'dead_lettered',
  requeue: 'returned',
  'hand-back': 'given_back',
  keep: undefined,
};

/**
 * Handles each message of `queue` in a CONSUMER span: a child of the one that published the message, and the beginning
 * of a trace where the message has no `traceparent` or a malformed one. Every settlement but `ack` marks the span as
 * failed.
 */
export function inConsumerSpans(
  queue: string,
  handle: (message: ReceivedMessage) => Promise<Settlement>,
): (message: ReceivedMessage) => Promise<Settlement> {
  return (message) => {
    const parent = receivedContext(message.headers[TRACEPARENT]);
    const begun = beginSpan(`process ${queue}`, { kind: SpanKind.CONSUMER }, parent);
    const { span } = begun;
    if (!span.isRecording()) return inSpan(begun, () => handle(message));
    span.setAttributes({
      ...messagingAttributes('process', 'process', queue, message.correlationId),
      'image.delivery.number': message.deliveryNumber,
    });
    return inSpan(begun, async () => {
      const settlement = await handle(message);
      const error = settlementErrors[settlement];
      if (error !== undefined) {
        span.setAttribute('error.type', error);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      return settlement;
    });
  };
}

/** Sends an event to the subscribers of its job in one PRODUCER span of the active trace. */
export function sendInSpan(event: JobEvent, subscribers: number, send: () => void): void {
  const attributes = {
    'messaging.system': 'websocket',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.message.id': event.id,
    'messaging.message.conversation_id': event.data.job_id,
    'messaging.batch.message_count': subscribers,
  };
  noteStep('send websocket', { kind: SpanKind.PRODUCER, attributes }, send);
}

/** Handles a stream entry in the trace of its publisher. */
export function inTraceOf<Result>(headers: Readonly<Record<string, unknown>>, act: () => Result): Result {
  return context.with(receivedContext(headers[TRACEPARENT]), act);
}

function messagingAttributes(
  name: string,
  type: 'send' | 'process',
  destination: string,
  jobId: string | undefined,
): Attributes {
  return {
    'messaging.system': 'rabbitmq',
    'messaging.operation.name': name,
    'messaging.operation.type': type,
    'messaging.destination.name': destination,
    'messaging.message.conversation_id': jobId,
  };
}
