import { randomUUID } from 'node:crypto';
import { connect, type Channel } from 'amqplib';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import type { TcpProxy } from '../../testing/tcp-proxy.ts';
import { testBroker } from '../../testing/test-broker.ts';
import type { Broker } from './broker.ts';
import type { StreamReader, StreamReaderOptions } from './stream-reader.ts';
import { buildTopology, exchangeNames, parseRetryDelays } from './topology.ts';

const STREAM = 'log';
const MARKER = 'marker';
const system = setUpSystem();
let proxy: TcpProxy;
/** Not through the proxy. */
let publishing: Broker;
beforeEach(async () => {
  proxy = await system.proxyBefore(system.vhost.amqpUrl);
  await recreateStream();
  publishing = await startBroker(system.vhost.amqpUrl);
});

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_entry, index) => `entry ${from + index}`);

const waiting = { timeout: 15_000, interval: 10 };
const untilCaughtUp = (reader: StreamReader) =>
  vi.waitFor(() => expect(reader.isCaughtUp).toBe(true), waiting);

describe('a reader that starts', () => {
  it('reads what is there, has then caught up, and follows', async () => {
    await append(publishing, ...numbers(1, 20));
    const { reader, read, offsets, onReset } = await startReader();
    await untilCaughtUp(reader);
    expect(read).toEqual(numbers(1, 20));
    expect(reader.hasReadAll).toBe(true);
    await append(publishing, 'more');
    await vi.waitFor(() => expect(read.at(-1)).toBe('more'), waiting);
    expect(offsets).toEqual(offsets.toSorted((one, other) => one - other));
    expect(onReset).not.toHaveBeenCalled();
  });

  it('reads about the configured number of newest entries', async () => {
    await append(publishing, ...numbers(1, 100));
    const { reader, read } = await startReader({ replay: 10 });
    await untilCaughtUp(reader);
    expect(read).toEqual(numbers(91, 100));
    expect(reader.hasReadAll).toBe(false);
  });

  it('has caught up with an empty stream', async () => {
    const { reader, read } = await startReader();
    await untilCaughtUp(reader);
    expect(read).toEqual([]);
  });

  it('leaves no entry unacknowledged when nothing more arrives', async () => {
    const { read } = await startReader();
    await append(publishing, ...numbers(1, 110));
    await vi.waitFor(() => expect(read).toHaveLength(110), waiting);
    await expect.poll(() => system.vhost.unacknowledged(), { timeout: 15_000, interval: 500 }).toBe(0);
  });

  it('may be started and stopped twice and at once', async () => {
    const { reader } = await startReader();
    await Promise.all([reader.start(), reader.start()]);
    await Promise.all([reader.stop(), reader.stop()]);
  });
});

describe('a reader whose connection breaks', () => {
  it('goes on where it was, without a gap and without repeats', async () => {
    const { reader, read, onReset } = await startReader();
    for (let round = 0; round < 3; round++) {
      await append(publishing, ...numbers(round * 100 + 1, round * 100 + 50));
      proxy.cut();
      await append(publishing, ...numbers(round * 100 + 51, round * 100 + 100));
    }
    await vi.waitFor(() => expect(read.at(-1)).toBe('entry 300'), waiting);
    expect(read).toEqual(numbers(1, 300));
    await untilCaughtUp(reader);
    expect(onReset).not.toHaveBeenCalled();
  });

  it('reads on after a long absence', async () => {
    const { reader, read } = await startReader();
    await append(publishing, 'before');
    await vi.waitFor(() => expect(read).toEqual(['before']), waiting);
    await proxy.refuse();
    await append(publishing, ...numbers(1, 50));
    await proxy.resume();
    await vi.waitFor(() => expect(read).toEqual(['before', ...numbers(1, 50)]), waiting);
    await untilCaughtUp(reader);
  });

  it('says so where retention has removed what it had not read yet', async () => {
    const { read, onReset } = await startReader();
    await append(publishing, ...numbers(1, 5));
    await vi.waitFor(() => expect(read).toHaveLength(5), waiting);
    await proxy.refuse();
    await append(publishing, ...numbers(6, 100).map((text) => text.padEnd(10_000, '.')), 'last');
    await proxy.resume();
    await vi.waitFor(() => expect(read.at(-1)).toBe('last'), waiting);
    expect(onReset).toHaveBeenCalledOnce();
    expect(read.length).toBeLessThan(95);
  });
});

describe('a reader whose stream is deleted and made anew', () => {
  it.each([
    ['has less in it than it had read', 5],
    ['has as much in it as it had read', 30],
    ['has more in it than it had read', 60],
  ])('says so, and reads the new one from its beginning, which %s', async (_what, count) => {
    const { reader, read, onReset } = await startReader();
    await untilCaughtUp(reader);
    await append(publishing, ...numbers(1, 30));
    await vi.waitFor(() => expect(read).toHaveLength(30), waiting);
    await proxy.refuse();
    await recreateStream();
    const anew = numbers(1, count).map((text) => `new ${text}`);
    await append(publishing, ...anew);
    await proxy.resume();
    await vi.waitFor(() => expect(read).toEqual(anew), waiting);
    expect(onReset).toHaveBeenCalledOnce();
    await untilCaughtUp(reader);
    expect(reader.hasReadAll).toBe(true);
  });

  it('says so while it is connected, too', async () => {
    const { reader, read, onReset } = await startReader();
    await append(publishing, ...numbers(1, 3));
    await vi.waitFor(() => expect(read).toHaveLength(3), waiting);
    await recreateStream();
    await append(publishing, 'new');
    await vi.waitFor(() => expect(read).toEqual(['new']), waiting);
    expect(onReset).toHaveBeenCalledOnce();
    await untilCaughtUp(reader);
  });
});

describe('a reader', () => {
  it('attaches again when nothing comes by', async () => {
    const publishMarker = vi.fn(() =>
      append(publishing, publishMarker.mock.calls.length > 1 ? 'seen' : 'lost'),
    );
    const onEntry = vi.fn(({ content }: { content: Buffer }) => JSON.parse(content.toString()) === 'seen');
    const { reader, onReset } = await startReader({ publishMarker, onEntry, markerTimeoutMs: 200 });
    await untilCaughtUp(reader);
    expect(publishMarker).toHaveBeenCalledTimes(2);
    expect(onReset).not.toHaveBeenCalled();
  });

  it('skips an entry that its owner cannot stand', async () => {
    const read: string[] = [];
    const onEntry = ({ content }: { content: Buffer }) => {
      const text = content.toString();
      if (text.includes('bad')) throw new Error('cannot stand it');
      read.push(text);
      return false;
    };
    await startReader({ onEntry });
    await append(publishing, 'good', 'bad', 'better');
    await vi.waitFor(() => expect(read.slice(-2)).toEqual(['"good"', '"better"']), waiting);
  });
});

const retryDelays = parseRetryDelays('1s');
const pipeline = buildTopology({ jobs: retryDelays, webhooks: retryDelays });
/** Segments so small that retention can be watched at work. */
const topology = {
  ...pipeline,
  queues: [
    {
      name: STREAM,
      description: '',
      arguments: {
        'x-queue-type': 'stream',
        'x-max-length-bytes': 200_000,
        'x-stream-max-segment-size-bytes': 50_000,
      },
      bindings: [{ exchange: exchangeNames.events, routingKey: '#' }],
    },
  ],
};

/** Deletes the stream and declares it again, as the next service to start would. */
async function recreateStream(): Promise<void> {
  const connection = await connect(system.vhost.amqpUrl);
  const channel: Channel = await connection.createChannel();
  await channel.deleteQueue(STREAM);
  await connection.close();
  const broker = testBroker(system.vhost.amqpUrl, { topology });
  await broker.start();
  await broker.stop();
}

async function startBroker(url: string): Promise<Broker> {
  const broker = testBroker(url, { topology });
  system.onTestEnd(() => broker.stop());
  await broker.start();
  return broker;
}

async function append(broker: Broker, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    await broker.publisher.publish({
      exchange: exchangeNames.events,
      routingKey: 'test',
      body: text,
      messageId: randomUUID(),
      correlationId: 'test',
      type: 'test',
      contentType: 'application/json',
    });
  }
}

async function startReader(options: Partial<StreamReaderOptions> = {}) {
  const broker = await startBroker(proxy.url);
  const read: string[] = [];
  const offsets: number[] = [];
  const onReset = vi.fn(() => void (read.length = 0));
  let serial = 0;
  const reader = broker.streamReader({
    stream: STREAM,
    replay: 1_000,
    publishMarker: () => append(broker, `${MARKER} ${++serial}`),
    markerTimeoutMs: 5_000,
    onEntry: ({ content, offset }) => {
      const text = JSON.parse(content.toString()) as string;
      offsets.push(offset);
      if (!text.startsWith(MARKER)) read.push(text);
      return text === `${MARKER} ${serial}`;
    },
    onReset,
    ...options,
  });
  system.onTestEnd(() => reader.stop());
  await reader.start();
  return { reader, read, offsets, onReset };
}
