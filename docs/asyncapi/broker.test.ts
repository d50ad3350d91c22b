import {
  buildTopology,
  DEFAULT_JOB_RETRY_DELAYS,
  DEFAULT_WEBHOOK_RETRY_DELAYS,
  parseRetryDelays,
} from '@image-pipeline/shared/broker/topology.ts';
import { testBroker, testVhost } from '../../testing/test-broker.ts';
import type { Vhost } from '../../testing/vhost.ts';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { managementCall } from '../../testing/management-call.ts';
import { asyncapiYaml } from './document.ts';

let vhost: Vhost;
beforeAll(async () => {
  vhost = await testVhost();
  const [jobs, webhooks] = [
    parseRetryDelays(DEFAULT_JOB_RETRY_DELAYS),
    parseRetryDelays(DEFAULT_WEBHOOK_RETRY_DELAYS),
  ];
  const broker = testBroker(vhost.amqpUrl, { topology: buildTopology({ jobs, webhooks }) });
  await broker.start();
  await broker.stop();
});
afterAll(() => vhost.delete());

it('a broker has exactly the exchanges of the document', async () => {
  const all = await seen('exchanges', 'name', 'type', 'durable', 'auto_delete', 'internal', 'arguments');
  const ours = all.filter(({ name }) => name !== '' && !String(name).startsWith('amq.'));
  const expected = described().flatMap(({ exchange }) => {
    if (exchange === undefined) return [];
    const { name, type, durable, autoDelete, 'x-arguments': args } = exchange;
    return { name, type, durable, auto_delete: autoDelete, internal: false, arguments: args };
  });
  expect(keyed(ours, 'name')).toEqual(keyed(expected, 'name'));
});

it('a broker has exactly the queues of the document, with the same arguments', async () => {
  const queues = await seen('queues', 'name', 'durable', 'exclusive', 'auto_delete', 'arguments');
  const expected = described().flatMap(({ queue }) => {
    if (queue === undefined) return [];
    const { name, durable, exclusive, autoDelete, 'x-arguments': args } = queue;
    return { name, durable, exclusive, auto_delete: autoDelete, arguments: args };
  });
  expect(expected.length).toBeGreaterThan(10);
  expect(keyed(queues, 'name')).toEqual(keyed(expected, 'name'));
});

it('a broker has exactly the bindings of the document', async () => {
  const bindings = await seen(
    'bindings',
    'source',
    'routing_key',
    'destination',
    'destination_type',
    'arguments',
  );
  const expected = described().flatMap(({ queue, 'x-bound-to': boundTo = [] }) => {
    if (queue === undefined) return [];
    const destination = { destination: queue.name, destination_type: 'queue', arguments: {} };
    return [
      // Every queue is bound to the default exchange by its name.
      { ...destination, source: '', routing_key: queue.name },
      ...boundTo.map(({ exchange, routingKey }) => ({
        ...destination,
        source: exchange,
        routing_key: routingKey,
      })),
    ];
  });
  const keys = ['source', 'routing_key', 'destination'];
  expect(keyed(bindings, ...keys)).toEqual(keyed(expected, ...keys));
});

/** All things of a kind in the vhost, of each these fields. */
async function seen(kind: 'exchanges' | 'queues' | 'bindings', ...columns: string[]): Promise<Item[]> {
  const path = `${kind}/${vhost.name}?columns=${columns.join(',')}`;
  const items = await managementCall(inject('broker'), 'GET', path);
  return z.array(z.record(z.string(), z.unknown())).parse(items);
}

/** So that two collections are compared whatever their order. */
function keyed(items: readonly Item[], ...keys: string[]): Record<string, Item> {
  const entries = items.map((item) => [keys.map((key) => String(item[key])).join(' → '), item] as const);
  expect(new Set(entries.map(([key]) => key)).size).toBe(entries.length);
  return Object.fromEntries(entries);
}

type Item = Record<string, unknown>;

/** What the document says of RabbitMQ. */
const documented = z.object({
  channels: z.record(
    z.string(),
    z.object({
      bindings: z
        .object({
          amqp: z
            .object({
              exchange: z
                .object({
                  name: z.string(),
                  type: z.string(),
                  durable: z.boolean(),
                  autoDelete: z.boolean(),
                  'x-arguments': z.record(z.string(), z.unknown()),
                })
                .optional(),
              queue: z
                .object({
                  name: z.string(),
                  durable: z.boolean(),
                  exclusive: z.boolean(),
                  autoDelete: z.boolean(),
                  'x-arguments': z.record(z.string(), z.unknown()),
                })
                .optional(),
              'x-bound-to': z.array(z.object({ exchange: z.string(), routingKey: z.string() })).optional(),
            })
            .optional(),
        })
        .default({}),
    }),
  ),
});

/** What the document says of exchanges, queues and bindings. */
function described() {
  const { channels } = documented.parse(parse(asyncapiYaml()));
  return Object.values(channels).flatMap(({ bindings }) => bindings.amqp ?? []);
}
