import { wholeNumber } from './config.ts';

const ms = (options: { min: number; max: number; default: number; description: string }) =>
  wholeNumber({ ...options, unit: 'milliseconds' });

/**
 * Timeouts of calls to other systems: every call has one. Timeouts that are shorter by design are constants where they
 * are used: closing a connection (2 s), polling queue lengths (1 s, and 0.4 s for /server/status), readiness probes (2 s).
 */
export const timeoutVariables = {
  RABBITMQ_CONFIRM_TIMEOUT_MS: ms({
    min: 100,
    max: 120_000,
    default: 10_000,
    description: 'publisher confirms',
  }),
  RABBITMQ_CALL_TIMEOUT_MS: ms({
    min: 1_000,
    max: 600_000,
    default: 30_000,
    description: 'other calls, such as declaring queues',
  }),
  MANAGEMENT_TIMEOUT_MS: ms({
    min: 100,
    max: 60_000,
    default: 3_000,
    description: 'calls to the management API',
  }),
  STORE_TIMEOUT_MS: ms({
    min: 100,
    max: 300_000,
    default: 15_000,
    description: '',
  }),
} as const;

/** For services that call the monitoring service. */
export const monitoringTimeoutVariables = {
  MONITORING_TIMEOUT_MS: ms({
    min: 100,
    max: 60_000,
    default: 2_000,
    description: 'calls from the API to the monitoring service',
  }),
} as const;

/** For services that deliver webhooks. */
export const webhookTimeoutVariables = {
  WEBHOOK_TIMEOUT_MS: ms({
    min: 100,
    max: 60_000,
    default: 10_000,
    description: 'time for a receiver to respond, including DNS',
  }),
} as const;
