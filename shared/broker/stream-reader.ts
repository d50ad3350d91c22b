import type { Channel, ConsumeMessage } from 'amqplib';
import type { Logger } from '../log.ts';
import type { Startable } from '../lifecycle.ts';
import type { BrokerConnection } from './connection.ts';
import { SupervisedChannel } from './supervised-channel.ts';

/**
 * Prefetch. RabbitMQ sends streams in chunks, so a small value would slow the reader down; a large one would let messages
 * of the maximum size fill the memory.
 */
const PREFETCH = 200;
/** Entries acknowledged together, well below the prefetch; fewer if they have waited for `ACK_WITHIN_MS`. */
const ACK_EVERY = 50;
const ACK_WITHIN_MS = 1_000;

export interface StreamEntry {
  /** Grows with every entry of this stream; not contiguous. */
  readonly offset: number;
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface StreamReaderOptions {
  readonly connection: BrokerConnection;
  readonly stream: string;
  /** About how many of the newest entries to read before following. */
  readonly replay: number;
  /** The offset to start at, if it is older than `replay` would start: every entry from there on is read. */
  readonly from?: number | undefined;
  /** Maximum number (approximate) of the newest entries to read first, even if `from` includes more. */
  readonly atMost?: number | undefined;
  /** Publishes an entry that this reader recognizes; resolves when the stream has stored it. */
  readonly publishMarker: () => Promise<void>;
  /** Milliseconds without a delivery, while the marker has not arrived, after which the reader reattaches. */
  readonly markerTimeoutMs: number;
  /** True if the entry is the latest marker. Called for every entry, in order, once. */
  readonly onEntry: (entry: StreamEntry) => boolean;
  /**
   * There is a gap between the entries read so far and the next one: the stream was deleted and recreated, or
   * retention removed entries before this reader got to them. Reading restarts with the newest part.
   */
  readonly onReset: () => void;
  /** Called when the broker cancels or refuses the reader. */
  readonly onFailure: () => void;
  readonly log: Logger;
}

/**
 * Reads the newest part of a stream and follows it without a gap, even if the channel or the connection is lost.
 *
 * An offset beyond the end of a stream delivers nothing, silently. So the reader publishes a marker each time it
 * attaches: once the marker arrives, all older entries have arrived. And an offset does not identify the stream that
 * it belongs to. So the reader attaches at the last entry it has read, not after it, and compares the two.
 */
export class StreamReader implements Startable {
  readonly #options: StreamReaderOptions;
  readonly #supervised: SupervisedChannel;
  #firstOffset: number | undefined;
  #last: StreamEntry | undefined;
  /** The newest entry when the reader attached, or one shortly before it. */
  #newest = 0;
  #caughtUp = false;

  constructor(options: StreamReaderOptions) {
    this.#options = options;
    this.#supervised = new SupervisedChannel({
      connection: options.connection,
      name: `reader of ${options.stream}`,
      log: options.log,
      onFailure: options.onFailure,
      use: (channel, lost, abandon) => this.#attach(channel, lost, abandon),
    });
  }

  /** Resolves when the newest part is requested; `isCaughtUp` is true when it has been read. */
  start(): Promise<void> {
    return this.#supervised.start();
  }

  /** True once everything that was in the stream at the last (re)attachment has been read. */
  get isCaughtUp(): boolean {
    return this.#caughtUp;
  }

  /** True while the reader has also caught up with the newest entries and receives them as they are written. */
  get isFollowing(): boolean {
    return this.#caughtUp && this.#supervised.isSetUp;
  }

  /** Approximate number of entries left to read until the reader has caught up. */
  get unread(): number {
    return this.#caughtUp ? 0 : Math.max(0, this.#newest - (this.#last?.offset ?? this.#newest));
  }

  /** Whether the stream has been read from its first entry on. */
  get hasReadAll(): boolean {
    return this.#firstOffset === 0;
  }

  stop(): Promise<void> {
    return this.#supervised.stop();
  }

  async #attach(channel: Channel, lost: AbortSignal, abandon: (reason: string) => void): Promise<void> {
    const { stream, publishMarker, markerTimeoutMs } = this.#options;
    this.#caughtUp = false;
    await publishMarker();
    const newest = await newestOffset(channel, stream, lost);
    this.#newest = newest;
    // The marker is newer than everything this reader has read, unless the stream was recreated.
    if (this.#last !== undefined && newest <= this.#last.offset) this.#reset();
    const silence = setTimeout(() => abandon('the marker did not arrive in time'), markerTimeoutMs);
    lost.addEventListener('abort', () => clearTimeout(silence), { once: true });
    const acknowledge = acknowledgeInBatches(channel, lost);
    let expected = this.#last;
    const onMessage = (message: ConsumeMessage | null) => {
      if (lost.aborted) return;
      if (message === null) {
        abandon('RabbitMQ cancelled the consumer');
        return;
      }
      const entry = {
        offset: offsetOf(message),
        content: message.content,
        headers: message.properties.headers ?? {},
      };
      if (expected !== undefined && entry.offset >= expected.offset) {
        if (!isSame(entry, expected)) {
          this.#reset();
          abandon('the stream has a gap or was recreated');
          return;
        }
        expected = undefined;
      }
      if (this.#read(entry)) clearTimeout(silence);
      else if (!this.#caughtUp) silence.refresh();
      acknowledge(message);
    };
    const from = this.#last?.offset ?? this.#beginning(newest);
    await channel.prefetch(PREFETCH);
    await channel.consume(stream, onMessage, { arguments: { 'x-stream-offset': from } });
  }

  /** The offset to start at if nothing has been read yet. */
  #beginning(newest: number): number {
    const { stream, replay, from = Infinity, atMost = Infinity, log } = this.#options;
    const wanted = Math.max(0, Math.min(newest - replay, from));
    const possible = Math.max(wanted, newest - atMost);
    if (possible > wanted) {
      const skipped = possible - wanted;
      log.warn(
        { stream, skipped, reading: atMost },
        'too many entries to read at start-up: skipping the oldest',
      );
    }
    return possible;
  }

  /** Returns whether this entry made the reader catch up. */
  #read(entry: StreamEntry): boolean {
    if (this.#last !== undefined && entry.offset <= this.#last.offset) return false;
    this.#last = entry;
    this.#firstOffset ??= entry.offset;
    const isMarker = this.#hand(entry);
    if (isMarker) this.#caughtUp = true;
    return isMarker;
  }

  /** An entry that fails must not block the following ones: it would be delivered first every time. */
  #hand(entry: StreamEntry): boolean {
    try {
      return this.#options.onEntry(entry);
    } catch (error) {
      const { stream, log } = this.#options;
      log.error(
        { err: error, stream, offset: entry.offset },
        'skipped a stream entry that could not be processed',
      );
      return false;
    }
  }

  #reset(): void {
    this.#last = undefined;
    this.#firstOffset = undefined;
    this.#options.onReset();
  }
}

/**
 * Acknowledging an entry of a stream only renews the prefetch, and RabbitMQ reads the log again each time. An idle reader
 * must not leave entries unacknowledged: RabbitMQ would close its channel after `consumer_timeout`.
 */
function acknowledgeInBatches(channel: Channel, lost: AbortSignal): (message: ConsumeMessage) => void {
  let batch: { newest: ConsumeMessage; size: number; readonly timer: NodeJS.Timeout } | undefined;
  const flush = () => {
    if (batch === undefined) return;
    const { newest, timer } = batch;
    clearTimeout(timer);
    batch = undefined;
    try {
      channel.ack(newest, true);
    } catch {
      // The channel is closing: the next one starts at the last entry that was read.
    }
  };
  lost.addEventListener('abort', () => clearTimeout(batch?.timer), { once: true });
  return (message) => {
    batch ??= { newest: message, size: 0, timer: setTimeout(flush, ACK_WITHIN_MS) };
    batch.newest = message;
    if (++batch.size === ACK_EVERY) flush();
  };
}

/** The offset of the first entry of the newest chunk. The marker ensures that there is one. */
async function newestOffset(channel: Channel, stream: string, lost: AbortSignal): Promise<number> {
  const { promise: found, resolve, reject } = Promise.withResolvers<ConsumeMessage>();
  // If the channel fails first, there is no consumer of this promise.
  found.catch(() => undefined);
  lost.addEventListener('abort', () => reject(new Error('the channel was lost')), { once: true });
  await channel.prefetch(1);
  const { consumerTag } = await channel.consume(
    stream,
    (message) => {
      if (message === null) reject(new Error(`RabbitMQ cancelled the consumer of ${stream}`));
      else resolve(message);
    },
    { arguments: { 'x-stream-offset': 'last' } },
  );
  const message = await found;
  await channel.cancel(consumerTag);
  channel.ack(message);
  return offsetOf(message);
}

function isSame(one: StreamEntry, other: StreamEntry): boolean {
  return one.offset === other.offset && one.content.equals(other.content);
}

function offsetOf(message: ConsumeMessage): number {
  const offset: unknown = message.properties.headers?.['x-stream-offset'];
  if (typeof offset !== 'number') throw new Error('a stream entry without x-stream-offset');
  return offset;
}
