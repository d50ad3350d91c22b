import { statfs } from 'node:fs/promises';
import { DEFAULT_PORTS } from '../broker/node-record.ts';
import { canInstall } from '../install/install.ts';
import { findRabbitmq, installLine } from '../install/programs.ts';
import { readEnvironment } from '../pipeline/dotenv.ts';
import { readLocalConfig } from '../pipeline/local-config.ts';
import { root, runFolder } from '../pipeline/paths.ts';
import { findPrometheus } from '../prometheus/find-prometheus.ts';
import { freePort } from '../process/free-port.ts';
import { ControlClient, isRunning } from '../supervisor/control.ts';
import { printFindings, type Finding } from '../terminal/findings.ts';

/** RabbitMQ blocks publishers below 1 GB; see the node's configuration. */
const NEEDED_DISK = 2_000_000_000;
const NEEDED_NODE = 24;

/** `make doctor` without Docker: one line per check, with the command that fixes the problem. */
export async function doctor(): Promise<void> {
  const findings = [
    node(),
    await rabbitmq(),
    await prometheus(),
    await disk(),
    ...((await isRunning(runFolder.socket)) ? await services() : await ports()),
  ];
  printFindings(findings);
}

function node(): Finding {
  const [major = ''] = process.versions.node.split('.');
  if (Number(major) >= NEEDED_NODE) return { is: 'ok', text: `Node ${process.versions.node}` };
  return {
    is: 'fix',
    text: `Node ${process.versions.node} is too old: Node ${NEEDED_NODE} is required. To install it for this project: npm ci`,
  };
}

async function rabbitmq(): Promise<Finding> {
  const programs = await findRabbitmq();
  if (programs !== undefined) return { is: 'ok', text: `RabbitMQ: ${programs.server}` };
  const line = (await canInstall()) ? 'make up' : await installLine('rabbitmq');
  return { is: 'fix', text: `RabbitMQ is not installed. To install it: ${line}` };
}

async function prometheus(): Promise<Finding> {
  const programs = await findPrometheus();
  if (programs !== undefined) return { is: 'ok', text: `Prometheus: ${programs.server}` };
  return {
    is: 'note',
    text: `Prometheus is not installed, so no metrics history is kept. To install it: ${await installLine('prometheus')}`,
  };
}

async function disk(): Promise<Finding> {
  const { bavail, bsize } = await statfs(root);
  const free = `${((bavail * bsize) / 1e9).toFixed(1)} GB free`;
  if (bavail * bsize >= NEEDED_DISK) return { is: 'ok', text: `disk: ${free}` };
  return {
    is: 'fix',
    text: `disk: ${free}, but ${NEEDED_DISK / 1e9} GB are required. To remove old images and queues: make clean`,
  };
}

async function ports(): Promise<Finding[]> {
  const config = readLocalConfig(await readEnvironment(root));
  const preferred = {
    api: config.API_PORT,
    notification: config.NOTIFICATION_PORT,
    monitoring: config.MONITORING_PORT,
    RabbitMQ: DEFAULT_PORTS.amqp,
    'RabbitMQ management UI': DEFAULT_PORTS.management,
    'worker-1': config.WORKER_PORT,
    ...((await findPrometheus()) === undefined ? {} : { prometheus: config.PROMETHEUS_PORT }),
  };
  return Promise.all(
    Object.entries(preferred).map(async ([name, port]): Promise<Finding> => {
      if ((await freePort([port], [])) === port) return { is: 'ok', text: `port ${port} (${name}) is free` };
      return {
        is: 'note',
        text: `port ${port} (${name}) is in use; make up uses the next free port. To find the program: lsof -i :${port}`,
      };
    }),
  );
}

async function services(): Promise<Finding[]> {
  const { services: all } = await new ControlClient(runFolder.socket).ps();
  return all.map(({ name, state, port, reason }): Finding => {
    if (state === 'ready') return { is: 'ok', text: `${name} is ready on port ${port ?? '?'}` };
    if (state === 'stopped')
      return { is: 'note', text: `${name} is stopped. To start it: make start-worker` };
    return {
      is: 'fix',
      text: `${name} is ${state}${reason === undefined ? '' : ` (${reason})`}. See: make logs SERVICE=${name}`,
    };
  });
}
