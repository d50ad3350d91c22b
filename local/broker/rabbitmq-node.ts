import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { open, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { identify, isAlive, type ProcessIdentity } from '../process/identity.ts';
import { readTail } from '../process/log-files.ts';
import { findRabbitmq, type RabbitmqPrograms } from '../install/programs.ts';
import { UserError } from '../user-error.ts';
import { hasCurrentDefinitions, nodeEnvironment, writeNodeFiles } from './node-files.ts';
import {
  chooseNodePorts,
  readNodeRecord,
  writeNodeRecord,
  type NodeRecord,
  type PreferredPorts,
} from './node-record.ts';
import { RunningNode } from './running-node.ts';

/** Another process may take a port between the check and the start of the node. */
const TRIES = 3;
const PORT_TAKEN = /eaddrinuse|dist_port_already_used/;
/** How much is read of the output of a node that cannot start: Erlang terms, with the reason somewhere in them. */
const OUTPUT_BYTES = 256 * 1024;
const SHOWN_CHARACTERS = 1_500;

export interface RabbitNodeOptions {
  /** Contains everything of the node: configuration, cookie, data. */
  readonly folder: string;
  /** The node gets these ports, or the next free ones. Default: the ports it had before, or any. */
  readonly ports?: PreferredPorts;
  /** Erlang node name without its host. The data depends on it, so do not change it. */
  readonly name?: string;
  /**
   * Whether the node gets a session of its own, so that Ctrl-C in a terminal does not reach it. Default: true. The
   * supervisor keeps it in its process group.
   */
  readonly detached?: boolean;
}

/**
 * Starts a node in `folder`, or finds the one that already runs there. Resolves when clients can use it.
 * @throws UserError if RabbitMQ is not installed or does not start; its message ends with the last lines of the log.
 */
export async function startRabbitNode(options: RabbitNodeOptions): Promise<RunningNode> {
  const folder = resolve(options.folder);
  const found = await findRabbitNode(folder);
  if (found !== undefined && (await hasCurrentDefinitions(folder))) {
    await found.untilUp();
    return found;
  }
  // A node of an earlier version does not know the users of the services.
  await found?.stop();
  // The port mapper of a killed node still runs, on the port that this node needs.
  await stopRabbitNode(folder);
  await refuseMoved(folder);
  const programs = await requireRabbitmq();
  for (let attempt = 1; ; attempt++) {
    const last = await readNodeRecord(folder);
    const name = options.name ?? last?.name ?? 'rabbit';
    const ports = await chooseNodePorts(options.ports ?? {}, last?.ports);
    const alias = await asciiAlias(folder);
    const planned = { name, ports, folder, ...(alias === undefined ? {} : { alias }) };
    const record = { ...planned, process: await launch(programs, folder, planned, options.detached ?? true) };
    await writeNodeRecord(folder, record);
    const node = new RunningNode(programs, folder, record);
    try {
      await node.untilUp();
      return node;
    } catch (error) {
      await node.kill();
      const output = await readTail(outputIn(folder), { maxBytes: OUTPUT_BYTES });
      if (attempt < TRIES && PORT_TAKEN.test(output)) continue;
      throw new UserError(
        `RabbitMQ did not start. See its log: ${node.logFile}. Last output:\n\n${reasonIn(output)}`,
        { cause: error },
      );
    }
  }
}

async function refuseMoved(folder: string): Promise<void> {
  const before = (await readNodeRecord(folder))?.folder ?? folder;
  if (before === folder) return;
  throw new UserError(
    `${folder} was moved from ${before}, and RabbitMQ cannot find its messages in the new folder.\n` +
      'Move the folder back, or start with empty queues and no images: make clean',
  );
}

/** The part of the output that says why the node cannot start, or else the end. */
function reasonIn(output: string): string {
  const start = output.indexOf('BOOT FAILED');
  return start === -1 ? output.slice(-SHOWN_CHARACTERS) : output.slice(start).slice(0, SHOWN_CHARACTERS);
}

/** The node that runs or is starting in `folder`; undefined if there is none. */
export async function findRabbitNode(folder: string): Promise<RunningNode | undefined> {
  const record = await readNodeRecord(folder);
  if (record?.process === undefined || !(await isAlive(record.process))) return undefined;
  return new RunningNode(await requireRabbitmq(), resolve(folder), { ...record, process: record.process });
}

/**
 * Stops the node that runs in `folder`, or what is left of one that was killed.
 * @returns whether a node was running
 */
export async function stopRabbitNode(folder: string): Promise<boolean> {
  const record = await readNodeRecord(folder);
  if (record?.process === undefined) return false;
  const wasRunning = await isAlive(record.process);
  const node = new RunningNode(await requireRabbitmq(), resolve(folder), {
    ...record,
    process: record.process,
  });
  await node.stop();
  return wasRunning;
}

async function requireRabbitmq(): Promise<RabbitmqPrograms> {
  const programs = await findRabbitmq();
  if (programs !== undefined) return programs;
  throw new UserError('RabbitMQ is not installed. To install it, or to see how: make up');
}

/** The node's console output: its banner, and why it cannot start. */
const outputIn = (folder: string) => join(folder, 'log', 'console.log');

async function launch(
  programs: RabbitmqPrograms,
  folder: string,
  record: NodeRecord,
  detached: boolean,
): Promise<ProcessIdentity> {
  await writeNodeFiles(folder, record);
  const output = await open(outputIn(folder), 'w');
  try {
    const child = spawn(programs.server, ['-noinput'], {
      cwd: '/',
      env: nodeEnvironment(folder, record),
      stdio: ['ignore', output.fd, output.fd],
      detached,
    });
    await once(child, 'spawn');
    child.unref();
    const identity = child.pid === undefined ? undefined : await identify(child.pid);
    if (identity !== undefined) return identity;
    throw new UserError(`RabbitMQ exited immediately:\n\n${await readTail(outputIn(folder))}`);
  } finally {
    await output.close();
  }
}

const ASCII = /^[\x20-\x7e]*$/;

/**
 * RabbitMQ's management plugin does not start under a path with non-ASCII characters such as `/home/me/Документы`
 * (rabbit_mgmt_external_stats takes the path for bytes). Such a folder gets a link with an ASCII name. The name is always
 * the same, because quorum queues store the full path of their data and would start empty under another path.
 * @returns the link, which the caller removes; undefined if the folder needs none
 */
async function asciiAlias(folder: string): Promise<string | undefined> {
  if (ASCII.test(folder)) return undefined;
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const alias = join(tmpdir(), `image-pipeline-rabbitmq-${hash}`);
  await rm(alias, { force: true });
  await symlink(folder, alias);
  return alias;
}
