import type { Channel, ConsumeMessage } from 'amqplib';
import type { Logger } from '../log.ts';
import type { Startable } from '../lifecycle.ts';
import type { BrokerConnection } from './connection.ts';
import { SupervisedChannel } from './supervised-channel.ts';

/** Deliveries on their way at once. A stream is read in chunks, so a small window would starve it. */
const PREFETCH = 500;

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
  /** An offset to begin at where `replay` would begin later, so that everything from there on is read. */
  readonly from?: number | undefined;
  /** At most about how many of the newest entries to read first, also where `from` would have more. */
  readonly atMost?: number | undefined;
  /** Publishes an entry that this reader will know again, and resolves when the stream has it. */
  readonly publishMarker: () => Promise<void>;
  /** How long nothing may come by before the own marker has, until the reader attaches again. */
  readonly markerTimeoutMs: number;
  /** True if the entry is the marker that was published last. Called for every entry, in order, once. */
  readonly onEntry: (entry: StreamEntry) => boolean;
  /**
   * Between what was read so far and what comes next there is a gap: the stream was deleted and made anew, or
   * retention was faster than this reader. Reading begins again with the newest part.
   */
  readonly onReset: () => void;
  readonly log: Logger;
}

/**
 * Reads the newest part of a stream and follows it, over every loss of channel and connection, without a gap.
 *
 * An offset beyond the end of a stream delivers nothing, silently; so each time it attaches, the reader first
 * publishes a marker: once the marker comes by, everything older has come by too. And an offset says nothing
 * of the stream it belongs to; so the reader attaches at the last entry it has read, not behind it, and compares.
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
      use: (channel, lost, abandon) => this.#attach(channel, lost, abandon),
    });
  }

  /** Resolves when the newest part has been asked for; `isCaughtUp` tells when it has been read. */
  start(): Promise<void> {
    return this.#supervised.start();
  }

  /** True while everything that was in the stream at the last (re)attachment has been read. */
  get isCaughtUp(): boolean {
    return this.#caughtUp;
  }

  /** True while, besides, new entries come by as they are written. */
  get isFollowing(): boolean {
    return this.#caughtUp && this.#supervised.channel !== undefined;
  }

  /** About how many entries are left to be read until the reader has caught up. */
  get unread(): number {
    return this.#caughtUp ? 0 : Math.max(0, this.#newest - (this.#last?.offset ?? this.#newest));
  }

  /** Whether the stream has been read from its very beginning. */
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
    // The marker is newer than whatever this reader has read, unless that was read from another stream.
    if (this.#last !== undefined && newest <= this.#last.offset) this.#reset();
    const silence = setTimeout(() => abandon('nothing came by'), markerTimeoutMs);
    lost.addEventListener('abort', () => clearTimeout(silence), { once: true });
    let expected = this.#last;
    const onMessage = (message: ConsumeMessage | null) => {
      if (lost.aborted) return;
      if (message === null) {
        abandon('RabbitMQ cancelled the reader');
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
          abandon('the stream has a gap or has been made anew');
          return;
        }
        expected = undefined;
      }
      if (this.#read(entry)) clearTimeout(silence);
      else if (!this.#caughtUp) silence.refresh();
      channel.ack(message);
    };
    const from = this.#last?.offset ?? this.#beginning(newest);
    await channel.prefetch(PREFETCH);
    await channel.consume(stream, onMessage, { arguments: { 'x-stream-offset': from } });
  }

  /** Where to begin in a stream of which nothing has been read. */
  #beginning(newest: number): number {
    const { stream, replay, from = Infinity, atMost = Infinity, log } = this.#options;
    const wanted = Math.max(0, Math.min(newest - replay, from));
    const possible = Math.max(wanted, newest - atMost);
    if (possible > wanted) {
      const skipped = possible - wanted;
      log.warn(
        { stream, skipped, reading: atMost },
        'too much to be read at once: the oldest part is skipped',
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

  /** An entry that its reader cannot stand must not keep the others from coming: it would come first each time. */
  #hand(entry: StreamEntry): boolean {
    try {
      return this.#options.onEntry(entry);
    } catch (error) {
      const { stream, log } = this.#options;
      log.error({ err: error, stream, offset: entry.offset }, 'an entry of a stream was skipped');
      return false;
    }
  }

  #reset(): void {
    this.#last = undefined;
    this.#firstOffset = undefined;
    this.#options.onReset();
  }
}

/** The offset of the first entry of the newest chunk. The marker makes sure that there is one. */
async function newestOffset(channel: Channel, stream: string, lost: AbortSignal): Promise<number> {
  const { promise: found, resolve, reject } = Promise.withResolvers<ConsumeMessage>();
  // Nobody waits for it where the channel fails before.
  found.catch(() => undefined);
  lost.addEventListener('abort', () => reject(new Error('the channel was lost')), { once: true });
  await channel.prefetch(1);
  const { consumerTag } = await channel.consume(
    stream,
    (message) => {
      if (message === null) reject(new Error(`RabbitMQ cancelled the reader of ${stream}`));
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
