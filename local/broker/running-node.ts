import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { isAlive, type ProcessIdentity } from '../process/identity.ts';
import { kill, terminate } from '../process/terminate.ts';
import { UserError } from '../user-error.ts';
import type { RabbitPrograms } from './find-rabbitmq.ts';
import { nodeEnvironment, nodeLog } from './node-files.ts';
import type { NodePorts } from './node-ports.ts';
import { untilAnswering } from './node-readiness.ts';
import { writeNodeRecord, type NodeRecord } from './node-record.ts';

const START_DEADLINE_MS = 90_000;
const STOP_DEADLINE_MS = 30_000;

/** A RabbitMQ node of our own, reachable from this machine only, as guest/guest. */
export class RunningNode {
  readonly folder: string;
  readonly ports: NodePorts;
  readonly process: ProcessIdentity;
  /** Without a virtual host, which is then `/`: append `/name` for another one. */
  readonly amqpUrl: string;
  readonly managementUrl: string;
  readonly prometheusUrl: string;
  readonly logFile: string;
  readonly #programs: RabbitPrograms;
  readonly #record: NodeRecord;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(programs: RabbitPrograms, folder: string, record: NodeRecord & { process: ProcessIdentity }) {
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

  /** Resolves when clients can use the node. Throws if its process ends or the time is up before. */
  async untilUp(): Promise<void> {
    const deadline = performance.now() + START_DEADLINE_MS;
    const up = await untilAnswering(
      this.ports,
      async () => performance.now() > deadline || !(await isAlive(this.process)),
    );
    if (!up) throw new UserError(`RabbitMQ did not become ready within ${START_DEADLINE_MS / 1_000} s.`);
    await this.ctl(['await_startup']);
  }

  /** Runs rabbitmqctl on this node and returns what it printed. Throws if it fails. */
  async ctl(args: readonly string[]): Promise<string> {
    const { stdout } = await execa(this.#programs.ctl, args, { env: this.#environment, extendEnv: false });
    return stdout;
  }

  /** Shuts the node down in order. Its data stays, and no process is left. Safe to call again. */
  async stop(): Promise<void> {
    await terminate(this.process, STOP_DEADLINE_MS);
    await this.#leaveNothing();
  }

  /** What a power failure would do: SIGKILL. Its data stays, and no process is left. */
  async kill(): Promise<void> {
    await kill(this.process);
    await this.#leaveNothing();
  }

  async #leaveNothing(): Promise<void> {
    await stopEpmd(this.#environment);
    const { name, ports, folder, alias } = this.#record;
    if (alias !== undefined) await rm(alias, { force: true });
    await writeNodeRecord(this.folder, { name, ports, folder });
  }
}

const TRIES = 40;
const PAUSE_MS = 50;

/**
 * Ends the port mapper that Erlang started for one node and that outlives it. It refuses while it still knows the
 * node, which takes it a moment to notice.
 */
async function stopEpmd(environment: NodeJS.ProcessEnv): Promise<void> {
  const epmd = async (argument: string) =>
    execa('epmd', [argument], { env: environment, extendEnv: false, reject: false });
  for (let i = 0; i < TRIES; i++) {
    if ((await epmd('-names')).exitCode !== 0) return;
    await epmd('-kill');
    await delay(PAUSE_MS);
  }
}
