import { availableParallelism, hostname } from 'node:os';
import { commonVariables, refuseSamplePasswords } from '@image-pipeline/shared/common-config.ts';
import { readConfig, text, wholeNumber, type ConfigOf } from '@image-pipeline/shared/config.ts';

export const workerVariables = {
  ...commonVariables,
  MAX_CONCURRENT_JOBS: wholeNumber({
    min: 1,
    max: 64,
    default: Math.min(availableParallelism(), 5),
    description: 'maximum images processed at once by one worker; default: the number of cores, at most 5',
  }),
  WORKER_NAME: text({
    default: '',
    form: 'a name',
    example: 'worker-1',
    description: 'name of the worker in logs and timelines; default: host name and process id',
  }),
  WORKER_HOST: text({
    default: '127.0.0.1',
    form: 'an IP address of this machine',
    example: '127.0.0.1',
    description: 'listen address of /health, /livez, /readyz and /metrics',
  }),
  WORKER_PORT: wholeNumber({
    min: 0,
    max: 65_535,
    default: 9100,
    description: 'port of these endpoints; if it is in use, the next free one',
  }),
  JOB_TIMEOUT_MS: wholeNumber({
    min: 100,
    max: 600_000,
    default: 30_000,
    unit: 'milliseconds',
    description: 'deadline for processing one image',
  }),
  JOB_MEMORY_MIB: wholeNumber({
    min: 128,
    max: 65_536,
    default: 1024,
    unit: 'MiB',
    description: 'memory limit of an image process',
  }),
  JOBS_PER_PROCESS: wholeNumber({
    min: 1,
    max: 1_000_000,
    default: 500,
    description: 'number of images after which an image process is replaced',
  }),
} as const;

export type WorkerConfig = Omit<ConfigOf<typeof workerVariables>, never>;

/** @throws ConfigError with all problems at once */
export function readWorkerConfig(env: NodeJS.ProcessEnv): WorkerConfig {
  const config = readConfig(workerVariables, env, refuseSamplePasswords);
  return { ...config, WORKER_NAME: config.WORKER_NAME || `worker-${hostname()}-${process.pid}` };
}
