import { choice, readConfig, wholeNumber, type ConfigOf } from '@image-pipeline/shared/config.ts';
import { MAX_WORKERS } from '../supervisor/worker-crew.ts';

const port = (fallback: number, description: string) =>
  wholeNumber({ min: 1, max: 65_535, default: fallback, description });

/** What `make` reads for itself; each service reads the rest. */
export const localVariables = {
  RUNTIME: choice({
    values: ['auto', 'compose', 'local'],
    default: 'auto',
    description: 'containers (compose) or processes (local); auto: containers if a Docker engine answers',
  }),
  WORKERS: wholeNumber({
    min: 0,
    max: MAX_WORKERS,
    default: 2,
    description: 'workers at the start',
  }),
  API_PORT: port(8000, 'where the API listens; without Docker, or the next free port'),
  NOTIFICATION_PORT: port(
    8001,
    'where the notification service listens; without Docker, or the next free port',
  ),
  MONITORING_PORT: port(8002, 'where the monitoring service listens; without Docker, or the next free port'),
  PROMETHEUS_PORT: port(9090, 'where Prometheus listens; without Docker, or the next free port'),
  WORKER_PORT: port(
    9100,
    "without Docker, the first worker's port for health and metrics, or the next free one",
  ),
} as const;

export type LocalConfig = ConfigOf<typeof localVariables>;

/** @throws ConfigError with all problems at once */
export function readLocalConfig(env: NodeJS.ProcessEnv): LocalConfig {
  return readConfig(localVariables, env);
}
