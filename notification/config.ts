import { hostname } from 'node:os';
import { accessTokenVariables, refuseWeakToken } from '@image-pipeline/shared/access-token.ts';
import { commonVariables, refuseSamplePasswords } from '@image-pipeline/shared/common-config.ts';
import {
  readConfig,
  text,
  wholeNumber,
  type ConfigOf,
  type Variable,
} from '@image-pipeline/shared/config.ts';
import { publicApiUrl } from '@image-pipeline/shared/public-address.ts';
import { webhookTimeoutVariables } from '@image-pipeline/shared/timeouts.ts';
import {
  refuseLoopbackReceivers,
  refuseWeakSecrets,
  webhookVariables,
} from '@image-pipeline/shared/webhooks/webhook-variables.ts';
import { z } from 'zod';

const KIB = 1024;
const MIB = 1024 * KIB;

const origins: Variable<readonly string[]> = {
  schema: z
    .string()
    .transform((given) =>
      given
        .split(',')
        .map((origin) => origin.trim())
        .filter(Boolean),
    )
    .refine((given) => given.every((origin) => URL.parse(origin)?.origin === origin)),
  default: '',
  form: 'comma-separated origins without path or trailing slash',
  example: 'https://images.example.org,https://www.example.org',
  description: 'origins of pages that may connect; empty: localhost and the host of the service',
};

export const notificationVariables = {
  ...commonVariables,
  ...accessTokenVariables,
  ...webhookVariables,
  PUBLIC_API_URL: publicApiUrl,
  NOTIFICATION_NAME: text({
    default: '',
    form: 'a name',
    example: 'notification-1',
    description: '',
  }),
  NOTIFICATION_HOST: text({
    default: '127.0.0.1',
    form: 'an address of this machine',
    example: '127.0.0.1',
    description: '',
  }),
  NOTIFICATION_PORT: wholeNumber({
    min: 0,
    max: 65_535,
    default: 8001,
    description: 'port of the notification service',
  }),
  WEBSOCKET_ORIGINS: origins,
  WEBSOCKET_MAX_CONNECTIONS: wholeNumber({
    min: 1,
    max: 100_000,
    default: 2_000,
    description: '',
  }),
  WEBSOCKET_MAX_PER_ADDRESS: wholeNumber({
    min: 1,
    max: 100_000,
    default: 1_000,
    description: 'connections per client address',
  }),
  WEBSOCKET_MAX_SUBSCRIPTIONS: wholeNumber({
    min: 1,
    max: 10_000,
    default: 200,
    description: 'jobs per connection',
  }),
  WEBSOCKET_MAX_MESSAGE_BYTES: wholeNumber({
    min: 1 * KIB,
    max: 1 * MIB,
    default: 16 * KIB,
    unit: 'bytes',
    description: 'from a client; larger messages close the connection (1009)',
  }),
  WEBSOCKET_MAX_BUFFERED_BYTES: wholeNumber({
    min: 64 * KIB,
    max: 64 * MIB,
    default: 1 * MIB,
    unit: 'bytes',
    description: 'unread by a client; more closes the connection (1013)',
  }),
  WEBSOCKET_PING_MS: wholeNumber({
    min: 100,
    max: 600_000,
    default: 30_000,
    unit: 'milliseconds',
    description: '',
  }),
  EVENTS_RESUMABLE: wholeNumber({
    min: 100,
    max: 1_000_000,
    default: 10_000,
    description: 'newest events kept for clients that reconnect',
  }),
  ...webhookTimeoutVariables,
  WEBHOOKS_IN_FLIGHT: wholeNumber({
    min: 1,
    max: 1_000,
    default: 64,
    description: 'concurrent webhooks',
  }),
  WEBHOOKS_PER_HOST: wholeNumber({
    min: 1,
    max: 1_000,
    default: 8,
    description: 'concurrent webhooks to one receiver',
  }),
} as const;

export type NotificationConfig = ConfigOf<typeof notificationVariables>;

/** @throws ConfigError with all problems at once */
export function readNotificationConfig(env: NodeJS.ProcessEnv): NotificationConfig {
  const config = readConfig(notificationVariables, env, (given) => [
    ...refuseSamplePasswords(given),
    ...refuseWeakToken(given),
    ...refuseWeakSecrets(given),
    ...refuseLoopbackReceivers(given),
  ]);
  const name = config.NOTIFICATION_NAME || `notification-${hostname()}-${process.pid}`;
  return { ...config, NOTIFICATION_NAME: name };
}
