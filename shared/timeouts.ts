import { wholeNumber } from './config.ts';

const ms = (options: { min: number; max: number; default: number; description: string }) =>
  wholeNumber({ ...options, unit: 'milliseconds' });

/**
 * How long anything that we ask of others may take: to connect, and as a whole. Nothing waits for ever. Beside these
 * stand only waits that are shorter than one of them by design, as constants where they are used: farewells (2 s), looks
 * at queue lengths (1 s, and 0.4 s where /server/status is asked for) and the probe of readiness (2 s).
 */
export const timeoutVariables = {
  RABBITMQ_CONNECT_TIMEOUT_MS: ms({
    min: 100,
    max: 60_000,
    default: 5_000,
    description: 'how long one attempt to connect to RabbitMQ may take',
  }),
  RABBITMQ_CONFIRM_TIMEOUT_MS: ms({
    min: 100,
    max: 120_000,
    default: 10_000,
    description: 'how long to wait for RabbitMQ to confirm a message',
  }),
  RABBITMQ_CALL_TIMEOUT_MS: ms({
    min: 1_000,
    max: 600_000,
    default: 30_000,
    description:
      'how long RabbitMQ may take for anything else, such as to declare all queues or begin to deliver',
  }),
  // RabbitMQ looks for signs of life once an interval and wants two looks without any: it gives a silent peer up after two
  // to three of these. At 10 s a frozen worker's jobs waited up to 30 s.
  RABBITMQ_HEARTBEAT_S: wholeNumber({
    min: 1,
    max: 300,
    default: 6,
    unit: 'seconds',
    description: 'the interval of heartbeats; jobs of a worker that is silent for two or three go to another',
  }),
  MANAGEMENT_CONNECT_TIMEOUT_MS: ms({
    min: 100,
    max: 60_000,
    default: 1_000,
    description: 'how long it may take to connect to RabbitMQ’s management API',
  }),
  MANAGEMENT_TIMEOUT_MS: ms({
    min: 100,
    max: 60_000,
    default: 3_000,
    description: 'how long one call to RabbitMQ’s management API may take',
  }),
  STORE_CONNECT_TIMEOUT_MS: ms({
    min: 100,
    max: 60_000,
    default: 2_000,
    description: 'how long it may take to connect to the store',
  }),
  STORE_TIMEOUT_MS: ms({
    min: 100,
    max: 300_000,
    default: 15_000,
    description: 'how long one call to the store may take',
  }),
} as const;

/** Of services that ask the monitoring service; of the same table. */
export const monitoringTimeoutVariables = {
  MONITORING_TIMEOUT_MS: ms({
    min: 100,
    max: 60_000,
    default: 2_000,
    description:
      'how long the monitoring service may take to answer, connecting included; nobody waits for it',
  }),
} as const;

/** Of services that deliver webhooks; of the same table. */
export const webhookTimeoutVariables = {
  WEBHOOK_TIMEOUT_MS: ms({
    min: 100,
    max: 60_000,
    default: 10_000,
    description: 'how long the receiver of a webhook may take to answer, resolving its name included',
  }),
} as const;
