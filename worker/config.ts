import { availableParallelism } from 'node:os';
import { commonVariables, refuseSamplePasswords } from '@image-pipeline/shared/common-config.ts';
import { choice, port, readConfig, text, wholeNumber, type ConfigOf } from '@image-pipeline/shared/config.ts';
import { memoryLimit, type MemoryLimit } from '@image-pipeline/shared/memory-limit.ts';
import { instanceName } from '@image-pipeline/shared/service.ts';

export const workerVariables = {
  ...commonVariables,
  MAX_CONCURRENT_JOBS: wholeNumber({
    min: 1,
    max: 64,
    default: Math.min(availableParallelism(), 5),
    description:
      'jobs per worker at a time; default: number of cores, at most 5, fewer if the container has little memory',
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
    max: 300_000,
    default: 30_000,
    unit: 'milliseconds',
    description:
      'maximum time to process one image, CPU time if it is slow; a third of it to decode the image',
  }),
  JOB_MEMORY_MIB: wholeNumber({
    min: 0,
    max: 65_536,
    default: 0,
    unit: 'MiB',
    description:
      'memory limit per image; 0: container limit less 160 MiB, divided by 1.2 and by the slots and one more, at most 1280',
  }),
  IMAGE_ENGINE: choice({
    values: ['jimp', 'sharp'],
    default: 'jimp',
    description: 'what resizes and blurs decoded images; sharp is faster',
  }),
} as const;

export type WorkerConfig = ConfigOf<typeof workerVariables>;

const MIB = 1024 * 1024;
/** For the worker itself. */
const RESERVED_MIB = 160;
/** In the worker, an image takes up to a fifth of what its process may: the original and copies of the result. */
const WITH_WORKER = 1.2;
/** A worker processes one slow image beside its slots. */
const SLOW_IMAGES = 1;
const MIN_JOB_MEMORY_MIB = 128;
/**
 * Maximum of the default. Ten resizes of an image of 25 megapixels need 1,050 MiB, the most of all lists of operations that
 * were measured.
 */
const MAX_DEFAULT_JOB_MEMORY_MIB = 1280;

/** @throws ConfigError with all problems at once */
export function readWorkerConfig(env: NodeJS.ProcessEnv, memory = memoryLimit()): WorkerConfig {
  const slotsOf = (read: MemorySettings) =>
    (env['MAX_CONCURRENT_JOBS'] ?? '') === '' ? fittingSlots(read, memory) : read.MAX_CONCURRENT_JOBS;
  const config = readConfig(workerVariables, env, (read) => [
    ...refuseSamplePasswords(read),
    ...refuseTooLittleMemory({ ...read, MAX_CONCURRENT_JOBS: slotsOf(read) }, memory),
  ]);
  const slots = slotsOf(config);
  return {
    ...config,
    WORKER_NAME: config.WORKER_NAME || instanceName('worker'),
    MAX_CONCURRENT_JOBS: slots,
    JOB_MEMORY_MIB: config.JOB_MEMORY_MIB || shareOf(slots, memory),
  };
}

type MemorySettings = Pick<WorkerConfig, 'JOB_MEMORY_MIB' | 'MAX_CONCURRENT_JOBS'>;

/** The default number of slots, or as many as the container has memory for, at least 1. */
function fittingSlots(settings: MemorySettings, { bytes, isEnforced }: MemoryLimit): number {
  const { JOB_MEMORY_MIB, MAX_CONCURRENT_JOBS } = settings;
  if (!isEnforced) return MAX_CONCURRENT_JOBS;
  const processes = Math.floor(
    (bytes / MIB - RESERVED_MIB) / (WITH_WORKER * (JOB_MEMORY_MIB || MIN_JOB_MEMORY_MIB)),
  );
  return Math.max(1, Math.min(MAX_CONCURRENT_JOBS, processes - SLOW_IMAGES));
}

/** The default memory limit of an image, in MiB. */
function shareOf(slots: number, { bytes }: MemoryLimit): number {
  const share = Math.floor((bytes / MIB - RESERVED_MIB) / (WITH_WORKER * (slots + SLOW_IMAGES)));
  return Math.max(MIN_JOB_MEMORY_MIB, Math.min(share, MAX_DEFAULT_JOB_MEMORY_MIB));
}

/**
 * Without this check, the kernel could kill the container with all its jobs, instead of one image exceeding its own limit.
 */
function refuseTooLittleMemory(settings: MemorySettings, memory: MemoryLimit): string[] {
  const { JOB_MEMORY_MIB, MAX_CONCURRENT_JOBS } = settings;
  if (JOB_MEMORY_MIB > 0 && JOB_MEMORY_MIB < MIN_JOB_MEMORY_MIB) {
    return [`JOB_MEMORY_MIB must be 0 or at least ${MIN_JOB_MEMORY_MIB}, not ${JOB_MEMORY_MIB}`];
  }
  const limit = Math.floor(memory.bytes / MIB);
  const perJob = JOB_MEMORY_MIB || MIN_JOB_MEMORY_MIB;
  const needed = Math.ceil((MAX_CONCURRENT_JOBS + SLOW_IMAGES) * perJob * WITH_WORKER + RESERVED_MIB);
  if (!memory.isEnforced || needed <= limit) return [];
  return [
    `JOB_MEMORY_MIB and MAX_CONCURRENT_JOBS need more memory than the container has: (${MAX_CONCURRENT_JOBS} + ${SLOW_IMAGES}) × ${perJob} × ${WITH_WORKER} + ${RESERVED_MIB} = ${needed} MiB, and its limit is ${limit} MiB. Lower one of them, or raise WORKER_MEMORY`,
  ];
}
