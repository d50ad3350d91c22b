import { createHash } from 'node:crypto';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { ResetReason } from '@image-pipeline/shared/contracts/websocket.ts';
import { placeOfEvent } from './event-order.ts';
import { encode, type Frame } from './subscriber.ts';

/** An event that was sent to subscribers, if there were any. */
export interface RingEntry {
  /** Position in this ring: grows by one from entry to entry. */
  readonly sequence: number;
  readonly eventId: string;
  /** Offset in the stream. An event that was inserted has the offset of the event it precedes. */
  readonly offset: number;
  readonly jobId: string;
  /** Place in the life of the job; see `placeOfEvent`. */
  readonly place: number;
  readonly frame: Frame;
  /** Bytes of all frames up to and including this one. */
  readonly endByte: number;
}

/** The newest events in the order of the log, for clients that resume. Bounded: drops the oldest. */
export class EventRing {
  readonly #capacity: number;
  /** The entry with sequence `n` is at `n % capacity`. */
  readonly #entries: RingEntry[] = [];
  readonly #ofJob = new Map<string, RingEntry[]>();
  /** Sequences of the oldest entry and of the next one. */
  #first = 0;
  #next = 0;
  #endByte = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get newest(): RingEntry | undefined {
    return this.#next > this.#first ? this.#at(this.#next - 1) : undefined;
  }

  append(event: JobEvent, offset: number): RingEntry {
    if (this.#next - this.#first === this.#capacity) this.#dropOldest();
    const eventId = eventIdOf(event, offset);
    const frame = encode({ type: 'event', event_id: eventId, event: publicEvent(event) });
    this.#endByte += frame.data.length;
    const entry = {
      sequence: this.#next,
      eventId,
      offset,
      jobId: event.data.job_id,
      place: placeOfEvent(event),
      frame,
      endByte: this.#endByte,
    };
    this.#entries[this.#next % this.#capacity] = entry;
    this.#next++;
    const siblings = this.#ofJob.get(entry.jobId);
    if (siblings === undefined) this.#ofJob.set(entry.jobId, [entry]);
    else siblings.push(entry);
    return entry;
  }

  /** The entry with this event id, or why a client cannot resume after it. */
  find(eventId: string): RingEntry | { readonly missing: ResetReason } {
    const offset = offsetOfEventId(eventId);
    if (offset === undefined) return { missing: 'malformed_event_id' };
    const oldest = this.#at(this.#first);
    if (oldest === undefined) return { missing: 'event_id_unknown' };
    if (offset < oldest.offset) return { missing: 'event_id_too_old' };
    for (let sequence = this.#firstFrom(offset); sequence < this.#next; sequence++) {
      const entry = this.#at(sequence);
      if (entry?.offset !== offset) break;
      if (entry.eventId === eventId) return entry;
    }
    return { missing: 'event_id_unknown' };
  }

  /** The entries of one job, oldest first. */
  ofJob(jobId: string): readonly RingEntry[] {
    return this.#ofJob.get(jobId) ?? [];
  }

  /**
   * The entries after this sequence whose frames fit into `maxBytes`, but at least one; undefined where some of them
   * have been dropped already.
   */
  after(sequence: number, maxBytes: number): readonly RingEntry[] | undefined {
    if (sequence + 1 < this.#first) return undefined;
    const entries: RingEntry[] = [];
    let bytes = 0;
    for (let next = sequence + 1; next < this.#next; next++) {
      const entry = this.#at(next);
      if (entry === undefined) break;
      bytes += entry.frame.data.length;
      if (bytes > maxBytes && entries.length > 0) break;
      entries.push(entry);
    }
    return entries;
  }

  clear(): void {
    this.#entries.length = 0;
    this.#ofJob.clear();
    // Sequences continue, so that a reader notices the gap.
    this.#next++;
    this.#first = this.#next;
  }

  #at(sequence: number): RingEntry | undefined {
    if (sequence < this.#first || sequence >= this.#next) return undefined;
    return this.#entries[sequence % this.#capacity];
  }

  /** The sequence of the first entry at or after this offset: offsets never decrease, so a binary search works. */
  #firstFrom(offset: number): number {
    let [low, high] = [this.#first, this.#next];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#at(middle)?.offset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The oldest entry of all is the oldest of its job. */
  #dropOldest(): void {
    const jobId = this.#at(this.#first)?.jobId ?? '';
    const siblings = this.#ofJob.get(jobId);
    siblings?.shift();
    if (siblings?.length === 0) this.#ofJob.delete(jobId);
    this.#first++;
  }
}

/**
 * The event as sent to subscribers: without the callback URL, which may contain secrets of the uploader. Subscribers of
 * all jobs are other people.
 */
function publicEvent(event: JobEvent): JobEvent {
  if (event.data.request.callback_url === undefined) return event;
  return withRequest(event, { ...event.data.request, callback_url: undefined });
}

function withRequest<Event extends JobEvent>(event: Event, request: Event['data']['request']): Event {
  return { ...event, data: { ...event.data, request } };
}

/** Hex digits: enough to tell events of different logs apart. */
const FINGERPRINT_LENGTH = 8;
const EVENT_ID = /^(\d{1,15})-[0-9a-f]{8}$/;

/**
 * The `event_id` of an event: `{stream offset}-{fingerprint}`. The offset is the same for every replica and after
 * every restart, so a client may resume anywhere; the fingerprint detects a recreated log.
 */
function eventIdOf(event: JobEvent, offset: number): string {
  const digest = createHash('sha256').update(`${event.id} ${event.time}`).digest('hex');
  return `${offset}-${digest.slice(0, FINGERPRINT_LENGTH)}`;
}

/** The offset in an `event_id`, or undefined if it is malformed. */
function offsetOfEventId(eventId: string): number | undefined {
  const match = EVENT_ID.exec(eventId);
  return match === null ? undefined : Number(match[1]);
}
