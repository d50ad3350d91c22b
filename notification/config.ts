import { accessTokenVariables, refuseWeakToken } from '@image-pipeline/shared/access-token.ts';
import {
  commonVariables,
  monitoringUrl,
  publicApiUrl,
  publicNotificationUrl,
  refuseSamplePasswords,
} from '@image-pipeline/shared/common-config.ts';
import {
  port,
  readConfig,
  wholeNumber,
  type ConfigOf,
  type Variable,
} from '@image-pipeline/shared/config.ts';
import {
  refuseLoopbackReceivers,
  refuseWeakSecrets,
  webhookVariables,
} from '@image-pipeline/shared/webhooks/webhook-variables.ts';
import { z } from 'zod';

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
  description: 'origins of pages that may connect; empty: localhost and own host',
};

export const notificationVariables = {
  ...commonVariables,
  ...accessTokenVariables,
  ...webhookVariables,
  PUBLIC_API_URL: publicApiUrl,
  PUBLIC_NOTIFICATION_URL: publicNotificationUrl,
  MONITORING_URL: monitoringUrl,
  NOTIFICATION_PORT: port(8001, 'notification service'),
  WEBSOCKET_ORIGINS: origins,
  WEBSOCKET_MAX_CONNECTIONS: wholeNumber({
    min: 1,
    max: 100_000,
    default: 2_000,
    description: 'concurrent connections',
  }),
  WEBSOCKET_MAX_PER_ADDRESS: wholeNumber({
    min: 1,
    max: 100_000,
    default: 1_000,
    description: 'connections per client address',
  }),
  WEBHOOK_TIMEOUT_MS: wholeNumber({
    min: 100,
    max: 60_000,
    default: 10_000,
    unit: 'milliseconds',
    description: 'time for a receiver to respond, including DNS',
  }),
} as const;

export type NotificationConfig = ConfigOf<typeof notificationVariables>;

/** @throws ConfigError with all problems at once */
export function readNotificationConfig(env: NodeJS.ProcessEnv): NotificationConfig {
  return readConfig(notificationVariables, env, (given) => [
    ...refuseSamplePasswords(given),
    ...refuseWeakToken(given),
    ...refuseWeakSecrets(given),
    ...refuseLoopbackReceivers(given),
  ]);
}
