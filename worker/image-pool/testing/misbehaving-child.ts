import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentFailure } from '@image-pipeline/shared/errors.ts';
import type { ProcessedImage } from '../../processors/process-image.ts';
import { serveTasks } from '../serve-tasks.ts';

/** What a task's bytes can command this child, which does not process images. */
const behaviours = {
  /** Responds. */
  work: () => undefined,
  /** Responds late. */
  linger: () => sleep(300),
  /** Blocks forever, without handling messages. */
  hang: () => {
    for (;;);
  },
  /** Allocates memory without pausing. */
  hog: () => {
    const allocated: Buffer[] = [];
    for (;;) allocated.push(Buffer.alloc(1024 * 1024, 1));
  },
  /** Keeps 100 MiB afterwards. */
  hoard: () => {
    hoarded.push(Buffer.alloc(100 * 1024 * 1024, 1));
  },
  segfault: () => process.kill(process.pid, 'SIGSEGV'),
  exit: () => process.exit(0),
  refuse: () => {
    const cause = new Error('the cause');
    throw new PermanentFailure('image_too_large', 'Too large.', { details: { limit: 1, seen: 2 }, cause });
  },
  stumble: () => {
    throw new TypeError('unexpected');
  },
};
export type Behaviour = keyof typeof behaviours;

const hoarded: Buffer[] = [];

await serveTasks(() =>
  Promise.resolve(async ({ bytes }) => {
    await behaviours[Buffer.from(bytes).toString() as Behaviour]();
    return whoAnswers();
  }),
);

/** The process id as the width, and the names of the environment variables as the bytes. */
function whoAnswers(): ProcessedImage {
  const size = { width: process.pid, height: 1 };
  const bytes = Buffer.from(Object.keys(process.env).join());
  const image = { bytes, contentType: 'image/png', extension: 'png', ...size } as const;
  const timings = { decode_ms: 0, operations_ms: 0, encode_ms: 0, thumbnail_ms: 0 };
  return { result: image, thumbnail: image, source: size, timings };
}
