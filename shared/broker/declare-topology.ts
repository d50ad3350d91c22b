import type { Channel, ChannelModel } from 'amqplib';
import { brokersWords } from './misconfiguration.ts';
import { closeChannel } from './supervised-channel.ts';
import type { Queue, Topology } from './topology.ts';

/** Why a missing part cannot be declared. */
export const NOT_PERMITTED =
  'waiting for the API, which declares the topology, because the user of this service may not; RETRY_DELAYS and WEBHOOK_RETRY_DELAYS must be the same for all services';
export const isRefusal = (error: unknown) => /ACCESS[_-]REFUSED/.test(brokersWords(error));

/** The first exchange or queue that does not exist: the broker closes the channel then. */
export async function findMissing(channel: Channel, topology: Topology): Promise<string | undefined> {
  const kinds = [
    { kind: 'exchange', parts: topology.exchanges, check: (name: string) => channel.checkExchange(name) },
    { kind: 'queue', parts: topology.queues, check: (name: string) => channel.checkQueue(name) },
  ];
  for (const { kind, parts, check } of kinds) {
    for (const { name } of parts) {
      try {
        await check(name);
      } catch (error) {
        if (/NOT[_-]FOUND/.test(brokersWords(error))) return `the ${kind} "${name}"`;
        throw error;
      }
    }
  }
  return undefined;
}

/**
 * @param ownsTopology if false, nothing is declared if all exchanges and queues exist; see TopologyGuardOptions
 * @returns the queues that still have the arguments of an earlier version, because they are not empty
 * @throws Error of amqplib (406) if something exists with other arguments; Error if something is missing that the user may
 * not declare
 */
export async function declareTopology(
  model: ChannelModel,
  topology: Topology,
  ownsTopology: boolean,
): Promise<readonly string[]> {
  const open = async () => {
    const channel = await model.createChannel();
    channel.on('error', () => undefined);
    return channel;
  };
  const using = async <Result>(work: (channel: Channel) => Promise<Result>): Promise<Result> => {
    const channel = await open();
    return work(channel).finally(() => closeChannel(channel));
  };
  const declare = () => using((channel) => declareOn(channel, topology, open));
  if (ownsTopology) return declare();
  const missing = await using((channel) => findMissing(channel, topology));
  if (missing === undefined) return [];
  return declare().catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
    throw new Error(`${missing} does not exist: ${NOT_PERMITTED}`, { cause: error });
  });
}

/**
 * Asserts every exchange, queue and binding; existing ones with the same arguments are left unchanged.
 * @param open opens another channel
 * @returns the queues that still have the arguments of an earlier version
 */
export async function declareOn(
  channel: Channel,
  topology: Topology,
  open: () => Promise<Channel>,
): Promise<readonly string[]> {
  const kept: string[] = [];
  for (const exchange of topology.exchanges) {
    await channel.assertExchange(exchange.name, exchange.type, { durable: true });
  }
  for (const queue of topology.queues) {
    if (queue.changedArgument === undefined) await assertQueue(channel, queue);
    else if (!(await assertOrReplace(queue, queue.changedArgument, open))) kept.push(queue.name);
    for (const binding of queue.bindings) {
      await channel.bindQueue(queue.name, binding.exchange, binding.routingKey);
    }
  }
  return kept;
}

function assertQueue(channel: Channel, { name, arguments: given }: Queue) {
  return channel.assertQueue(name, { durable: true, arguments: given });
}

/** Other services may do the same at the same time, so a queue that was just deleted may exist again. */
const REPLACE_TRIES = 5;

/**
 * Deletes a queue that an earlier version declared with another value of this argument, and declares it again.
 * @returns false if it has messages or consumers and is left unchanged
 */
async function assertOrReplace(
  queue: Queue,
  argument: string,
  open: () => Promise<Channel>,
): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    const asserting = await open();
    try {
      await assertQueue(asserting, queue);
      return true;
    } catch (error) {
      const isEarlier = brokersWords(error).includes(`inequivalent arg '${argument}'`);
      if (!isEarlier || tries === REPLACE_TRIES) throw error;
    } finally {
      await closeChannel(asserting);
    }
    const deleting = await open();
    try {
      const { messageCount, consumerCount } = await deleting.checkQueue(queue.name);
      if (messageCount + consumerCount > 0) return false;
      await deleting.deleteQueue(queue.name);
    } finally {
      await closeChannel(deleting);
    }
  }
}
