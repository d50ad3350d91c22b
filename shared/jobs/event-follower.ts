import { v7 as uuidv7 } from 'uuid';
import type { Broker } from '../broker/broker.ts';
import type { OutgoingMessage } from '../broker/publisher.ts';
import { decodeMessage } from '../broker/received-message.ts';
import type { StreamEntry, StreamReader } from '../broker/stream-reader.ts';
import { exchangeNames, queueNames, routingKeys } from '../broker/topology.ts';
import {
  isJobEvent,
  pipelineEventSchema,
  type ConsumingEvent,
  type FollowingEvent,
  type JobEvent,
  type PipelineEvent,
} from '../contracts/event.ts';
import type { Startable } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import { inTraceOf } from '../tracing/messaging.ts';

/** How long the log may be silent after attaching before it is considered recreated. */
const MARKER_TIMEOUT_MS = 10_000;

/** Bounds start-up time and memory; 20,000 events are read in about two seconds. */
export const EVENTS_REPLAYED = 20_000;

interface EventFollowerOptions {
  readonly broker: Broker;
  /** e.g. `api` */
  readonly service: string;
  /** Distinguishes replicas, e.g. `api-1`. */
  readonly instance: string;
  /** About how many of the newest events to read first. */
  readonly replay?: number | undefined;
  /** The offset to start at if `replay` would start later. */
  readonly from?: number | undefined;
  /** At most about how many of the newest events to read first, wherever `from` is. */
  readonly atMost?: number | undefined;
  /**
   * Every event of a job, in the order of the log; `offset` grows. Repeats are possible: they have the same id. It is
   * called as a part of the trace that the event belongs to.
   */
  readonly onEvent: (event: JobEvent, offset: number) => void;
  /** A worker has started to consume jobs. */
  readonly onConsuming?: (event: ConsumingEvent) => void;
  /** An entry that is not an event known to this version. */
  readonly onInvalid?: (content: Buffer) => void;
  /** The log was lost and recreated. */
  readonly onReset: () => void;
  readonly log: Logger;
}

/** Reads the newest part of the event log, then every event as it happens. */
export class EventFollower implements Startable {
  readonly #options: EventFollowerOptions;
  readonly #reader: StreamReader;
  #marker: string | undefined;

  constructor(options: EventFollowerOptions) {
    this.#options = options;
    this.#reader = options.broker.streamReader({
      stream: queueNames.eventLog,
      replay: options.replay ?? EVENTS_REPLAYED,
      from: options.from,
      atMost: options.atMost,
      markerTimeoutMs: MARKER_TIMEOUT_MS,
      publishMarker: () => this.#publishMarker(),
      onEntry: (entry) => this.#onEntry(entry),
      onReset: options.onReset,
    });
  }

  start(): Promise<void> {
    return this.#reader.start();
  }

  stop(): Promise<void> {
    return this.#reader.stop();
  }

  /** A service that depends on the log is ready only while this is true. */
  get isCaughtUp(): boolean {
    return this.#reader.isCaughtUp;
  }

  /** Whether new events are received as they happen: false while there is no connection. */
  get isFollowing(): boolean {
    return this.#reader.isFollowing;
  }

  /** Approximate number of events left to read until then. */
  get unread(): number {
    return this.#reader.unread;
  }

  /** Whether the log has been read from its first entry on, so that nothing is missing. */
  get hasReadAll(): boolean {
    return this.#reader.hasReadAll;
  }

  async #publishMarker(): Promise<void> {
    const { broker, service, instance } = this.#options;
    this.#marker = uuidv7();
    const event: FollowingEvent = {
      specversion: '1.0',
      id: this.#marker,
      source: `/image-pipeline/${service}/${instance}`,
      type: 'service.following',
      subject: instance,
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      data: { service, instance },
    };
    await broker.publisher.publish(eventMessage(event));
  }

  #onEntry({ content, offset, headers }: StreamEntry): boolean {
    const event = parseEvent(content);
    if (event === undefined) {
      this.#options.log.debug({ offset }, 'skipped an unknown entry of the event log');
      this.#options.onInvalid?.(content);
      return false;
    }
    if (isJobEvent(event)) {
      inTraceOf(headers, () => this.#options.onEvent(event, offset));
      return false;
    }
    if (event.type === 'worker.consuming') this.#options.onConsuming?.(event);
    return event.id === this.#marker;
  }
}

/** Parses an event; undefined if this version does not know its type or format. */
export function parseEvent(content: Buffer): PipelineEvent | undefined {
  try {
    return pipelineEventSchema.safeParse(decodeMessage(content)).data;
  } catch {
    return undefined;
  }
}

/** The message that carries an event to `image.events`. */
export function eventMessage(event: PipelineEvent): OutgoingMessage {
  return {
    exchange: exchangeNames.events,
    routingKey: routingKeyOf(event),
    body: event,
    messageId: event.id,
    correlationId: event.subject,
    type: event.type,
    contentType: 'application/cloudevents+json',
    headers: isJobEvent(event) ? { 'x-run': event.data.run, 'x-attempt': event.data.attempt } : {},
  };
}

/** Its type; the end of a job that asked for a webhook goes to the queue of webhooks, too. */
function routingKeyOf(event: PipelineEvent): string {
  const isEnd = event.type === 'job.completed' || event.type === 'job.failed';
  const isAwaited = isEnd && event.data.request.callback_url !== undefined;
  return isAwaited ? event.type + routingKeys.callbackSuffix : event.type;
}
