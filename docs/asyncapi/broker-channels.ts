import {
  exchangeNames,
  queueNames,
  routingKeys,
  type Exchange,
  type Queue,
  type Topology,
} from '@image-pipeline/shared/broker/topology.ts';
import { workerCommandKey } from '@image-pipeline/shared/contracts/worker-command.ts';
import { endTypes, eventTypes, messagesOf, workerMessages } from './messages.ts';

const bindingVersion = '0.3.0';
const servers = [{ $ref: '#/servers/rabbitmq' }];

/**
 * A channel for each exchange and each queue. Arguments and bindings, which AsyncAPI cannot express, are in `x-arguments`
 * and `x-bound-to`.
 */
export function brokerChannels(topology: Topology): Readonly<Record<string, object>> {
  const channels = [
    ...topology.exchanges.map((exchange) => exchangeChannel(exchange, topology)),
    ...topology.queues.map(queueChannel),
  ];
  return Object.fromEntries(channels);
}

function exchangeChannel(exchange: Exchange, topology: Topology): [string, object] {
  const { name, type, description } = exchange;
  const bindings = topology.queues
    .flatMap((queue) => queue.bindings)
    .filter((binding) => binding.exchange === name);
  // No durable queue is bound to it.
  const isOfWorkers = name === exchangeNames.workers;
  const keys =
    name === exchangeNames.events
      ? [...eventTypes, ...endTypes.map((type) => type + routingKeys.callbackSuffix)]
      : [...new Set(bindings.map(({ routingKey }) => routingKey))];
  const through = isOfWorkers ? workerMessages : bindings.flatMap((binding) => messagesThrough(binding));
  const channel = {
    address: '{routing_key}',
    title: `exchange ${name}`,
    description,
    servers,
    messages: messagesOf([...new Set(through)]),
    parameters: {
      routing_key: isOfWorkers
        ? { description: `${routingKeys.workerReport}, or ${workerCommandKey('{name of a worker}')}` }
        : { enum: keys },
    },
    bindings: {
      amqp: {
        is: 'routingKey',
        exchange: { name, type, durable: true, autoDelete: false, 'x-arguments': {} },
        bindingVersion,
      },
    },
  };
  return [`exchange.${name}`, channel];
}

function queueChannel(queue: Queue): [string, object] {
  const { name, description } = queue;
  const channel = {
    address: name,
    title: `queue ${name}`,
    description,
    servers,
    messages: messagesOf(messagesIn(queue)),
    bindings: {
      amqp: {
        is: 'queue',
        queue: { name, durable: true, exclusive: false, autoDelete: false, 'x-arguments': queue.arguments },
        'x-bound-to': queue.bindings,
        bindingVersion,
      },
    },
  };
  return [`queue.${name}`, channel];
}

/** Replays come through the default exchange. */
function messagesIn({ name, bindings }: Queue): readonly string[] {
  if (name === queueNames.replays) return ['replay'];
  return bindings.flatMap(messagesThrough);
}

/** The messages that come through a binding. */
function messagesThrough({ exchange, routingKey }: Queue['bindings'][number]): readonly string[] {
  if (exchange === exchangeNames.events) return routingKey === '#' ? eventTypes : endTypes;
  if (exchange === exchangeNames.webhooks) return endTypes;
  return routingKey === routingKeys.deadWebhook ? endTypes : ['job'];
}
