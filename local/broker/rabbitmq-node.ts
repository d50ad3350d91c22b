import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { open, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { identify, isAlive, type ProcessIdentity } from '../process/identity.ts';
import { readTail } from '../process/read-tail.ts';
import { UserError } from '../user-error.ts';
import { findRabbitmq, type RabbitPrograms } from './find-rabbitmq.ts';
import { nodeEnvironment, writeNodeFiles } from './node-files.ts';
import { chooseNodePorts, type PreferredPorts } from './node-ports.ts';
import { readNodeRecord, writeNodeRecord, type NodeRecord } from './node-record.ts';
import { RunningNode } from './running-node.ts';

/** Another process may take a port between our look and the node's start. */
const TRIES = 3;
const PORT_TAKEN = /eaddrinuse|dist_port_already_used/;
/** Of what a node says that can't start: a stack of Erlang terms, the reason somewhere in it. */
const OUTPUT_BYTES = 256 * 1024;
const LAST_WORDS = 1_500;

export interface RabbitNodeOptions {
  /** Holds everything of the node: configuration, cookie, data. The data lives until the folder is removed. */
  readonly folder: string;
  /** Where to begin looking for free ports. Default: those of last time, or any. */
  readonly ports?: PreferredPorts;
  /** Erlang node name without its host. It is part of the data: keep it for the life of the folder. */
  readonly name?: string;
}

/**
 * Starts a node in `folder`, or finds the one that runs there already. Resolves when clients can use it.
 * @throws UserError if RabbitMQ is not installed or does not come up; its message ends with the log's last lines.
 */
export async function startRabbitNode(options: RabbitNodeOptions): Promise<RunningNode> {
  const folder = resolve(options.folder);
  const found = await findRabbitNode(folder);
  if (found !== undefined) {
    await found.untilUp();
    return found;
  }
  // Of a node that was killed its port mapper is left, on the port that this one wants.
  await stopRabbitNode(folder);
  await refuseMoved(folder);
  const programs = await requireRabbitmq();
  for (let attempt = 1; ; attempt++) {
    const last = await readNodeRecord(folder);
    const name = options.name ?? last?.name ?? 'rabbit';
    const ports = await chooseNodePorts(options.ports ?? {}, last?.ports);
    const alias = await asciiAlias(folder);
    const planned = { name, ports, folder, ...(alias === undefined ? {} : { alias }) };
    const record = { ...planned, process: await launch(programs, folder, planned) };
    await writeNodeRecord(folder, record);
    const node = new RunningNode(programs, folder, record);
    try {
      await node.untilUp();
      return node;
    } catch (error) {
      await node.kill();
      const output = stripVTControlCharacters(await readTail(outputIn(folder), { maxBytes: OUTPUT_BYTES }));
      if (attempt < TRIES && PORT_TAKEN.test(output)) continue;
      throw new UserError(
        `RabbitMQ did not start. See its log: ${node.logFile}. Last output:\n\n${lastWords(output)}`,
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

/** From where the node says why it can't start, or else just the end. */
function lastWords(output: string): string {
  const verdict = output.indexOf('BOOT FAILED');
  return verdict === -1 ? output.slice(-LAST_WORDS) : output.slice(verdict).slice(0, LAST_WORDS);
}

/** The node that runs in `folder`, or is starting there; undefined if there is none. */
export async function findRabbitNode(folder: string): Promise<RunningNode | undefined> {
  const record = await readNodeRecord(folder);
  if (record?.process === undefined || !(await isAlive(record.process))) return undefined;
  return new RunningNode(await requireRabbitmq(), resolve(folder), { ...record, process: record.process });
}

/**
 * Stops the node that runs in `folder`, and what is left of one that was killed.
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

async function requireRabbitmq(): Promise<RabbitPrograms> {
  const programs = await findRabbitmq();
  if (programs !== undefined) return programs;
  throw new UserError('RabbitMQ is not installed. To install it, or to see how: make up');
}

/** What the node says on its console: its banner, and why it can't start. */
const outputIn = (folder: string) => join(folder, 'log', 'console.log');

/** Starts the node's process in a session of its own, so that Ctrl-C in a terminal does not reach it. */
async function launch(
  programs: RabbitPrograms,
  folder: string,
  record: NodeRecord,
): Promise<ProcessIdentity> {
  await writeNodeFiles(folder, record.ports);
  const output = await open(outputIn(folder), 'w');
  try {
    const child = spawn(programs.server, ['-noinput'], {
      cwd: '/',
      env: nodeEnvironment(folder, record),
      stdio: ['ignore', output.fd, output.fd],
      detached: true,
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
 * RabbitMQ's management plugin does not start where a path has other characters than ASCII, as in `/home/me/Документы`
 * (rabbit_mgmt_external_stats takes the path for bytes). Such a folder gets a link of another name. The name is always
 * the same one, since quorum queues write down the full path of their data and would begin empty under another.
 * @returns the link, to be removed by the caller; undefined if the folder needs none
 */
async function asciiAlias(folder: string): Promise<string | undefined> {
  if (ASCII.test(folder)) return undefined;
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const alias = join(tmpdir(), `image-pipeline-rabbitmq-${hash}`);
  await rm(alias, { force: true });
  await symlink(folder, alias);
  return alias;
}
