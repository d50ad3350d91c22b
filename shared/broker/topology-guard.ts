import type { Channel } from 'amqplib';
import type { Startable } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import { Repeater } from '../repeater.ts';
import { withinDeadline } from '../waiting.ts';
import type { BrokerConnection } from './connection.ts';
import { declareOn, findMissing, isRefusal, NOT_PERMITTED } from './declare-topology.ts';
import { brokersWords, misconfiguration } from './misconfiguration.ts';
import { closeChannel } from './supervised-channel.ts';
import type { Topology } from './topology.ts';

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
  /** Whether its user must be able to declare the topology; otherwise, it may depend on another service for that. */
  readonly ownsTopology: boolean;
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
  #mayDeclare = true;
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
    return this.#repeater.start();
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
    const { connection, topology, ownsTopology, log } = this.#options;
    if (connection.state === 'down') return RETRY_SECONDS;
    const declaresAll =
      this.#isSuspected ||
      this.#problem !== undefined ||
      (ownsTopology && this.#checks % DECLARE_EVERY === 0);
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
      if (missing !== undefined || declaresAll) await this.#declare(missing);
      if (this.#problem !== undefined) log.info('the topology is complete again');
      this.#problem = undefined;
      return this.#checkEverySeconds * (1 - JITTER + 2 * JITTER * Math.random());
    } catch (error) {
      this.#noteFailure(error, missing);
      return RETRY_SECONDS;
    }
  }

  async #declare(missing: string | undefined): Promise<void> {
    const { connection, topology, ownsTopology } = this.#options;
    if (this.#mayDeclare) {
      try {
        await this.#onChannel((channel) => declareOn(channel, topology, () => connection.createChannel()));
        return;
      } catch (error) {
        if (ownsTopology || !isRefusal(error)) throw error;
        // RabbitMQ logs each refusal, so there is one only.
        this.#mayDeclare = false;
      }
    }
    if (missing !== undefined) throw new Error(NOT_PERMITTED);
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
