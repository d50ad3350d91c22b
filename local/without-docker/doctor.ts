import { DEFAULT_PORTS } from '../broker/node-record.ts';
import { canInstall } from '../install/install.ts';
import { findRabbitmq, installLine } from '../install/programs.ts';
import { readEnvironment } from '../pipeline/dotenv.ts';
import { readLocalConfig } from '../pipeline/local-config.ts';
import { root, runFolder } from '../pipeline/paths.ts';
import { findPrometheus } from '../prometheus/find-prometheus.ts';
import { checkDisk, checkPort, checkWorkers } from '../runtime/checks.ts';
import { ControlClient, isRunning } from '../supervisor/control.ts';
import { printFindings, type Finding } from '../terminal/findings.ts';

const NEEDED_NODE = 24;

/** `make doctor` without Docker: one line per check, with the command that fixes the problem. */
export async function doctor(): Promise<void> {
  const findings = [
    node(),
    await rabbitmq(),
    await prometheus(),
    await checkDisk(root, 'make clean'),
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
    Object.entries(preferred).map(([name, port]) =>
      checkPort(port, name, {
        is: 'note',
        text: `port ${port} (${name}) is in use; make up uses the next free port. To find the program: lsof -i :${port}`,
      }),
    ),
  );
}

async function services(): Promise<Finding[]> {
  const { services: all } = await new ControlClient(runFolder.socket).ps();
  const workers = all.filter(({ name, state }) => name.startsWith('worker-') && state !== 'stopped').length;
  const monitoring = all.find(({ name }) => name === 'monitoring')?.port;
  const found = all.map(({ name, state, port, reason }): Finding => {
    if (state === 'ready') return { is: 'ok', text: `${name} is ready on port ${port ?? '?'}` };
    if (state === 'stopped')
      return { is: 'note', text: `${name} is stopped. To start it: make start-worker` };
    return {
      is: 'fix',
      text: `${name} is ${state}${reason === undefined ? '' : ` (${reason})`}. See: make logs SERVICE=${name}`,
    };
  });
  return [
    ...found,
    await checkWorkers(workers, monitoring === undefined ? undefined : `http://localhost:${monitoring}`),
  ];
}
