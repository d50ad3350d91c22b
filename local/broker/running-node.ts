import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { RabbitmqPrograms } from '../install/programs.ts';
import { isAlive, kill, terminate, type ProcessIdentity } from '../process/identity.ts';
import { probe, type Readiness } from '../supervisor/probe.ts';
import type { Exit } from '../supervisor/service-process.ts';
import type { Broker } from '../supervisor/system-plan.ts';
import { UserError } from '../user-error.ts';
import { nodeEnvironment, nodeLog } from './node-files.ts';
import { writeNodeRecord, type NodePorts, type NodeRecord } from './node-record.ts';

const START_DEADLINE_MS = 90_000;
const STOP_DEADLINE_MS = 30_000;
const READY_POLL_MS = 100;
const EXIT_POLL_MS = 1_000;
const RESPONSE_MS = 2_000;

/** A RabbitMQ node of our own, accessible from this machine only, as guest/guest. */
export class RunningNode implements Broker {
  readonly folder: string;
  readonly ports: NodePorts;
  readonly process: ProcessIdentity;
  /** Of the virtual host `/`: append `/name` for another one. */
  readonly amqpUrl: string;
  readonly managementUrl: string;
  readonly prometheusUrl: string;
  readonly logFile: string;
  readonly #programs: RabbitmqPrograms;
  readonly #record: NodeRecord;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(programs: RabbitmqPrograms, folder: string, record: NodeRecord & { process: ProcessIdentity }) {
    this.folder = folder;
    this.ports = record.ports;
    this.process = record.process;
    this.amqpUrl = `amqp://guest:guest@127.0.0.1:${record.ports.amqp}`;
    this.managementUrl = `http://127.0.0.1:${record.ports.management}`;
    this.prometheusUrl = `http://127.0.0.1:${record.ports.prometheus}`;
    this.logFile = nodeLog(folder);
    this.#programs = programs;
    this.#record = record;
    this.#environment = nodeEnvironment(folder, record);
  }

  get pid(): number {
    return this.process.pid;
  }

  get port(): number {
    return this.ports.amqp;
  }

  /** Resolves at most a second after the exit of the node, which may have been started by another process. */
  get exited(): Promise<Exit> {
    return this.#untilExited();
  }

  /** Resolves when clients can use the node. @throws UserError if it exits or is not ready in time */
  async untilUp(): Promise<void> {
    const deadline = performance.now() + START_DEADLINE_MS;
    const { amqp } = this.ports;
    while (!((await accepts(amqp)) && (await this.probe()).ready)) {
      if (performance.now() > deadline || !(await isAlive(this.process)))
        throw new UserError(`RabbitMQ did not become ready within ${START_DEADLINE_MS / 1_000} s.`);
      await sleep(READY_POLL_MS);
    }
    await this.ctl(['await_startup']);
  }

  /**
   * AMQP has no short question, and half a handshake is logged; the management UI is a part of the same process. Its
   * login page needs no user; guest may not exist in a node whose definitions were changed.
   */
  probe(): Promise<Readiness> {
    return probe(this.ports.management, '/');
  }

  /** Runs rabbitmqctl on this node and returns its output. @throws Error if it fails */
  async ctl(args: readonly string[]): Promise<string> {
    const { stdout } = await execa(this.#programs.ctl, args, { env: this.#environment, extendEnv: false });
    return stdout;
  }

  /** Shuts the node down. Its data stays, and no process is left. Safe to call again. */
  async stop(): Promise<void> {
    await terminate(this.process, STOP_DEADLINE_MS);
    await this.#removeLeftovers();
  }

  /** Like a power failure: SIGKILL. Its data stays, and no process is left. */
  async kill(): Promise<void> {
    await kill(this.process);
    await this.#removeLeftovers();
  }

  async #untilExited(): Promise<Exit> {
    while (await isAlive(this.process)) await sleep(EXIT_POLL_MS, undefined, { ref: false });
    return { code: null, signal: null };
  }

  async #removeLeftovers(): Promise<void> {
    await stopEpmd(this.#environment);
    const { name, ports, folder, alias } = this.#record;
    if (alias !== undefined) await rm(alias, { force: true });
    await writeNodeRecord(this.folder, { name, ports, folder });
  }
}

/** A client that disconnects before it sends anything is not logged by the node; half a handshake is. */
async function accepts(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(RESPONSE_MS) });
    return true;
  } catch {
    return false;
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}

const EPMD_TRIES = 40;
const EPMD_PAUSE_MS = 50;

/**
 * Stops the port mapper that Erlang started for one node and that outlives it. It refuses while it still lists the node,
 * which takes it a moment to notice.
 */
async function stopEpmd(environment: NodeJS.ProcessEnv): Promise<void> {
  const epmd = async (argument: string) =>
    execa('epmd', [argument], { env: environment, extendEnv: false, reject: false });
  for (let i = 0; i < EPMD_TRIES; i++) {
    if ((await epmd('-names')).exitCode !== 0) return;
    await epmd('-kill');
    await sleep(EPMD_PAUSE_MS);
  }
}
