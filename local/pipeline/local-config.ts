import { choice, readConfig, wholeNumber, type ConfigOf } from '@image-pipeline/shared/config.ts';
import { MAX_WORKERS } from '../supervisor/workers.ts';

/** A port; its name describes it. */
const port = (fallback: number) => wholeNumber({ min: 1, max: 65_535, default: fallback, description: '' });

/** The settings of `make`; the others are those of the services. */
export const localVariables = {
  RUNTIME: choice({
    values: ['auto', 'compose', 'local'],
    default: 'auto',
    description: 'compose (containers), local (processes) or auto (compose if Docker is available)',
  }),
  WORKERS: wholeNumber({
    min: 0,
    max: MAX_WORKERS,
    default: 2,
    description: 'workers at start-up',
  }),
  API_PORT: port(8000),
  NOTIFICATION_PORT: port(8001),
  MONITORING_PORT: port(8002),
  PROMETHEUS_PORT: port(9090),
  WORKER_PORT: wholeNumber({
    min: 1,
    max: 65_535,
    default: 9100,
    description: 'port of health checks and metrics',
  }),
} as const;

export type LocalConfig = ConfigOf<typeof localVariables>;

/** @throws ConfigError with all problems at once */
export function readLocalConfig(env: NodeJS.ProcessEnv): LocalConfig {
  return readConfig(localVariables, env);
}
