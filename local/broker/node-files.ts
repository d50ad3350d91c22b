import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { permissionDefinitions } from '@image-pipeline/shared/broker/permissions.ts';
import type { NodePorts, NodeRecord } from './node-record.ts';

/** Size of the node's log at which it is rotated. */
const LOG_ROTATION_BYTES = 10 * 1024 * 1024;
const LOOPBACK = '127.0.0.1';
const DEFINITIONS_FILE = 'definitions.json';

/** rabbitmq.conf. `heartbeat` is in seconds, `consumer_timeout` in milliseconds. */
function configuration(ports: NodePorts): string {
  return `# Generated at every start of the node: edit local/broker/node-files.ts instead.
listeners.tcp.local = ${LOOPBACK}:${ports.amqp}
management.tcp.ip = ${LOOPBACK}
management.tcp.port = ${ports.management}
prometheus.tcp.ip = ${LOOPBACK}
prometheus.tcp.port = ${ports.prometheus}

# Deliveries of a dead worker are redelivered after two missed heartbeats.
heartbeat = 10
# Longer than any job takes.
consumer_timeout = 1800000

# Publishers are blocked beyond these limits. With the default of 50 MB of disk it would be too late to clean up.
disk_free_limit.absolute = 1GB
vm_memory_high_watermark.absolute = 1GB

# In bytes; our messages have a few kilobytes. Larger ones close the channel of their publisher.
max_message_size = 2097152

# A healthy broker logs little. RABBITMQ_LOGS has the path of the log.
log.file.level = notice
log.file.rotation.size = ${LOG_ROTATION_BYTES}
log.file.rotation.count = 2
`;
}

/**
 * Settings that rabbitmq.conf does not have: how long (ms) at-least-once dead-lettering waits for a confirm before it tries
 * again (the default of 180 s would stall expired retries for minutes), and a path with any characters.
 */
const advanced = (definitionsFile: string) =>
  `[{rabbit, [{dead_letter_worker_publisher_confirm_timeout, 5000}, {load_definitions, ${JSON.stringify(definitionsFile)}}]}].\n`;

const everything = { configure: '.*', write: '.*', read: '.*' };
/**
 * Loaded at every start: the user of each service, and guest for people and tests. The password of each user is its name,
 * because the node is accessible from this machine only.
 */
const DEFINITIONS = {
  vhosts: [{ name: '/' }],
  users: ['guest', ...permissionDefinitions().map(({ user }) => user)].map((name) => ({
    name,
    password: name,
    tags: { guest: ['administrator'], monitoring: ['monitoring'] }[name] ?? [],
  })),
  permissions: [{ user: 'guest', vhost: '/', ...everything }, ...permissionDefinitions()],
};
/** The shovel moves messages in the management UI ("Move messages"). */
const PLUGINS = '[rabbitmq_management, rabbitmq_prometheus, rabbitmq_shovel, rabbitmq_shovel_management].\n';

/**
 * Writes the configuration of a node that keeps all its files in `folder`.
 * @param alias a link to the folder, with an ASCII path
 */
export async function writeNodeFiles(folder: string, { ports, alias }: NodeRecord): Promise<void> {
  for (const name of ['home', 'log']) await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'rabbitmq.conf'), configuration(ports));
  await writeFile(join(folder, 'advanced.config'), advanced(join(alias ?? folder, DEFINITIONS_FILE)));
  await writeFile(join(folder, DEFINITIONS_FILE), JSON.stringify(DEFINITIONS));
  await writeFile(join(folder, 'enabled_plugins'), PLUGINS);
}

/** Whether the node was started with the users and permissions of this version. */
export async function hasCurrentDefinitions(folder: string): Promise<boolean> {
  const written = await readFile(join(folder, DEFINITIONS_FILE), 'utf8').catch(() => undefined);
  return written === JSON.stringify(DEFINITIONS);
}

/** The node's log. */
export const nodeLog = (folder: string) => join(folder, 'log', 'rabbitmq.log');

/**
 * The whole environment of the node and of its rabbitmqctl. Nothing else is inherited, so a RabbitMQ that is set up
 * on this machine is neither used nor disturbed.
 */
export function nodeEnvironment(realFolder: string, { name, ports, alias }: NodeRecord): NodeJS.ProcessEnv {
  const folder = alias ?? realFolder;
  return {
    PATH: process.env.PATH,
    LANG: process.env.LANG ?? 'C.UTF-8',
    // Erlang's cookie is in HOME.
    HOME: join(folder, 'home'),
    ERL_EPMD_ADDRESS: LOOPBACK,
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_AFLAGS: `-kernel inet_dist_use_interface {${LOOPBACK.replaceAll('.', ',')}}`,
    // No memory dump of a node that cannot start.
    ERL_CRASH_DUMP_BYTES: '0',
    // Makes the start script become the node, so that the pid we start is the pid of the node.
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_NODENAME: `${name}@localhost`,
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: nodeLog(folder),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_CONFIG_FILES: join(folder, 'conf.d'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
  };
}
