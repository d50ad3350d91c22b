import type { Channel, ChannelModel } from 'amqplib';
import type { Startable } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import { Repeater } from '../repeater.ts';
import { withinDeadline } from '../waiting.ts';
import type { BrokerConnection } from './connection.ts';
import { brokersWords, misconfiguration } from './misconfiguration.ts';
import { closeChannel } from './supervised-channel.ts';
import type { Queue, Topology } from './topology.ts';

const CHECK_EVERY_SECONDS = 5;
const JITTER = 0.25;
/** Seconds until the next check after a failed one. */
const RETRY_SECONDS = 1;
/** From one check to the next one that `check` causes, in milliseconds: it may be called for every message. */
const MIN_INTERVAL_MS = 1_000;
/** Nothing shows whether a binding exists, so every n-th check declares everything, which restores missing bindings. */
const DECLARE_EVERY = 6;

export interface TopologyGuardOptions {
  /** Not one that publishes: an alarm would block it. */
  readonly connection: BrokerConnection;
  readonly topology: Topology;
  /** Seconds between two checks, each ± 25 % so that services do not check at the same moment. Default: 5. */
  readonly checkEverySeconds?: number | undefined;
  readonly log: Logger;
}

/**
 * Checks that everything the pipeline needs from the broker exists, and declares it again if it was deleted: every few
 * seconds, and at once when `check` is called. The check is a passive declaration, which changes nothing.
 */
export class TopologyGuard implements Startable {
  readonly #options: TopologyGuardOptions;
  readonly #checkEverySeconds: number;
  readonly #repeater: Repeater;
  #isOn = false;
  /** The first one follows the declaration of the new connection. */
  #checks = 1;
  #isSuspected = false;
  /** By the monotonic clock, in milliseconds. */
  #checkedAt = -Infinity;
  #soon: NodeJS.Timeout | undefined;
  #problem: string | undefined;

  constructor(options: TopologyGuardOptions) {
    this.#options = options;
    this.#checkEverySeconds = options.checkEverySeconds ?? CHECK_EVERY_SECONDS;
    this.#repeater = new Repeater(() => this.#run(), this.#checkEverySeconds * (1 + JITTER));
  }

  /** Why the topology is incomplete, or undefined if it was complete at the last check. */
  get incompleteBecause(): string | undefined {
    return this.#problem;
  }

  start(): Promise<void> {
    this.#isOn = true;
    this.#repeater.start();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#isOn = false;
    clearTimeout(this.#soon);
    return this.#repeater.stop();
  }

  /** Something failed as if a part were missing: checks now, or a second after the last check, and declares everything. */
  check(): void {
    this.#isSuspected = true;
    if (!this.#isOn) return;
    clearTimeout(this.#soon);
    const wait = this.#checkedAt + MIN_INTERVAL_MS - performance.now();
    this.#soon = setTimeout(() => void this.#repeater.now(), Math.max(0, wait));
  }

  /** @returns seconds until the next check */
  async #run(): Promise<number> {
    const { connection, topology, log } = this.#options;
    if (connection.state === 'down') return RETRY_SECONDS;
    const declaresAll =
      this.#isSuspected || this.#problem !== undefined || this.#checks % DECLARE_EVERY === 0;
    this.#isSuspected = false;
    this.#checkedAt = performance.now();
    this.#checks++;
    let missing: string | undefined;
    try {
      missing = await this.#onChannel((channel) => findMissing(channel, topology));
      if (missing !== undefined) {
        if (this.#problem === undefined) {
          log.warn({ missing }, 'a part of the topology was deleted; declaring it again');
        }
        this.#problem ??= `${missing} does not exist`;
      }
      if (missing !== undefined || declaresAll) {
        await this.#onChannel((channel) => declareOn(channel, topology, () => connection.createChannel()));
      }
      if (this.#problem !== undefined) log.info('the topology is complete again');
      this.#problem = undefined;
      return this.#checkEverySeconds * (1 - JITTER + 2 * JITTER * Math.random());
    } catch (error) {
      this.#noteFailure(error, missing);
      return RETRY_SECONDS;
    }
  }

  /** A lost connection is reported by the connection itself. */
  #noteFailure(error: unknown, missing: string | undefined): void {
    const { connection, log } = this.#options;
    if (connection.state === 'down') return;
    const why = misconfiguration(error)?.message ?? brokersWords(error);
    const reason = missing === undefined ? why : `${missing} does not exist and cannot be declared: ${why}`;
    // Once, not at each check.
    if (this.#problem !== reason) log.warn({ reason }, 'cannot declare the topology; retrying');
    this.#problem = reason;
  }

  async #onChannel<Result>(work: (channel: Channel) => Promise<Result>): Promise<Result> {
    const { connection } = this.#options;
    const channel = await connection.createChannel();
    try {
      return await withinDeadline(connection.callTimeoutMs, () => work(channel));
    } finally {
      // The broker has closed it if something was missing or refused.
      await closeChannel(channel);
    }
  }
}

/** The first exchange or queue that does not exist: the broker closes the channel then. */
async function findMissing(channel: Channel, topology: Topology): Promise<string | undefined> {
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
 * @returns the queues that still have the arguments of an earlier version, because they are not empty
 * @throws Error of amqplib (406) if something exists with other arguments
 */
export async function declareTopology(model: ChannelModel, topology: Topology): Promise<readonly string[]> {
  const open = async () => {
    const channel = await model.createChannel();
    channel.on('error', () => undefined);
    return channel;
  };
  const channel = await open();
  const kept = await declareOn(channel, topology, open);
  await channel.close();
  return kept;
}

/**
 * Asserts every exchange, queue and binding; existing ones with the same arguments are left unchanged.
 * @param open opens another channel
 * @returns the queues that still have the arguments of an earlier version
 */
async function declareOn(
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
