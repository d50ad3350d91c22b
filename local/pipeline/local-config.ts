import { choice, readConfig, wholeNumber, type ConfigOf } from '@image-pipeline/shared/config.ts';
import { MAX_WORKERS } from '../supervisor/workers.ts';

/** A port that people choose, so not 0. */
const port = (fallback: number, description: string) =>
  wholeNumber({ min: 1, max: 65_535, default: fallback, description });

/** The settings of `make`; the others are those of the services. */
export const localVariables = {
  RUNTIME: choice({
    values: ['auto', 'compose', 'local'],
    default: 'auto',
    description: 'compose, local (processes) or auto (compose if Docker is available)',
  }),
  WORKERS: wholeNumber({
    min: 0,
    max: MAX_WORKERS,
    default: 2,
    description: 'workers at start-up',
  }),
  API_PORT: port(8000, 'API'),
  NOTIFICATION_PORT: port(8001, 'notification service'),
  MONITORING_PORT: port(8002, 'monitoring service'),
  PROMETHEUS_PORT: port(9090, 'Prometheus'),
  WORKER_PORT: port(9100, 'health checks and metrics of a worker'),
} as const;

export type LocalConfig = ConfigOf<typeof localVariables>;

/** @throws ConfigError with all problems at once */
export function readLocalConfig(env: NodeJS.ProcessEnv): LocalConfig {
  return readConfig(localVariables, env);
}
