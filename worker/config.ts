import { availableParallelism } from 'node:os';
import { commonVariables, refuseSamplePasswords } from '@image-pipeline/shared/common-config.ts';
import { choice, port, readConfig, text, wholeNumber, type ConfigOf } from '@image-pipeline/shared/config.ts';
import { instanceName } from '@image-pipeline/shared/service.ts';

export const workerVariables = {
  ...commonVariables,
  MAX_CONCURRENT_JOBS: wholeNumber({
    min: 1,
    max: 64,
    default: Math.min(availableParallelism(), 5),
    description: 'jobs per worker at a time; default: number of cores, at most 5',
  }),
  WORKER_NAME: text({
    default: '',
    form: 'a name',
    example: 'worker-1',
    description: 'name in logs and timelines',
  }),
  WORKER_PORT: port(9100, 'health checks and metrics of a worker'),
  JOB_TIMEOUT_MS: wholeNumber({
    min: 100,
    max: 600_000,
    default: 30_000,
    unit: 'milliseconds',
    description: 'maximum time to process one image; a third of it to decode the image',
  }),
  JOB_MEMORY_MIB: wholeNumber({
    min: 128,
    max: 65_536,
    default: 1024,
    unit: 'MiB',
    description: 'memory limit per image',
  }),
  IMAGE_ENGINE: choice({
    values: ['jimp', 'sharp'],
    default: 'jimp',
    description: 'what resizes and blurs decoded images; sharp is faster',
  }),
} as const;

export type WorkerConfig = ConfigOf<typeof workerVariables>;

/** @throws ConfigError with all problems at once */
export function readWorkerConfig(env: NodeJS.ProcessEnv): WorkerConfig {
  const config = readConfig(workerVariables, env, refuseSamplePasswords);
  return { ...config, WORKER_NAME: config.WORKER_NAME || instanceName('worker') };
}
