import { exchangeNames, jobQueueNames, queueNames } from './topology.ts';

/** What a user may do with exchanges and queues: regular expressions of RabbitMQ for their names. */
export interface Permissions {
  /** Declare and delete. */
  readonly configure: string;
  /** Publish to an exchange; bind a queue. */
  readonly write: string;
  /** Consume, get and purge a queue; bind to an exchange. */
  readonly read: string;
}

const only = (...patterns: string[]) => `^(${patterns.join('|')})$`;
const exactly = (name: string) => name.replaceAll('.', '\\.');
const nothing = '^$';

const { jobs, events, retry, webhooks, workers } = exchangeNames;
/** The exclusive queues that receive commands to a worker or reports of workers. */
const subscription = `${exactly(workers)}\\.[^.]+`;

/**
 * The RabbitMQ user of each service, and its permissions: docker/rabbitmq/permissions.json is generated from them, and nodes
 * without Docker get them, too. The API declares the topology, and RabbitMQ requires read and write permissions to bind and
 * to declare dead-letter exchanges, so it has access to all of it. Reading lengths (a passive declaration) needs none.
 */
export const permissionsOfServices = {
  api: { configure: '^image\\.', write: '^(image\\.|amq\\.default$)', read: '^image\\.' },
  worker: {
    configure: only(subscription),
    // A job that is held for too long is published again.
    write: only(...[jobs, retry, events, workers].map(exactly), subscription),
    read: only(...[...jobQueueNames, workers].map(exactly), subscription),
  },
  notification: {
    configure: only(subscription),
    write: only(...[webhooks, events].map(exactly), subscription),
    read: only(...[queueNames.eventLog, queueNames.webhooks, workers].map(exactly), subscription),
  },
  monitoring: {
    configure: nothing,
    // It republishes jobs whose message was lost.
    write: only(...[jobs, events].map(exactly)),
    read: only(exactly(queueNames.eventLog)),
  },
} as const satisfies Record<string, Permissions>;

export type ServiceUser = keyof typeof permissionsOfServices;

/** As in a definitions file of RabbitMQ. */
export function permissionDefinitions() {
  return Object.entries(permissionsOfServices).map(([user, permissions]) => ({
    user,
    vhost: '/',
    ...permissions,
  }));
}

/** `docker/rabbitmq/permissions.json`. */
export function permissionsFile(): string {
  return `${JSON.stringify(permissionDefinitions(), undefined, 2)}\n`;
}
