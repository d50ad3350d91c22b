import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentFailure } from '@image-pipeline/shared/errors.ts';
import type { Progress } from '../../processors/process-image.ts';
import { serveTasks } from '../serve-tasks.ts';
import { respondWith } from './respond-with.ts';

/** What a task's bytes can command this child, which does not process images. */
const behaviours = {
  /** Responds. */
  work: () => undefined,
  /** Responds late, once the image is decoded. */
  linger: ({ onDecoded }) => {
    onDecoded();
    return sleep(300);
  },
  /** Is estimated to take two seconds, and then takes less. */
  'plan for long': async ({ onPlanned, onDecoded }) => {
    onPlanned(2_000);
    onDecoded();
    await sleep(500);
  },
  /** Is estimated to take longer than most. */
  'plan for some time': ({ onPlanned, onDecoded }) => {
    onPlanned(900);
    onDecoded();
  },
  /** Later. */
  operate: ({ onDecoded }) => {
    onDecoded();
    return sleep(1_500);
  },
  /** Decodes for half a second. */
  'decode slowly': () => sleep(500),
  /** Decodes for longer than the time of the deadline that is for decoding, but does not use the CPU. */
  'wait to decode': () => sleep(2_000),
  /** Blocks forever, without handling messages, once the image is decoded. */
  hang: ({ onDecoded }) => {
    onDecoded();
    for (;;);
  },
  /** The same before the image is decoded. */
  'hang decoding': () => {
    for (;;);
  },
  /** Allocates memory without pausing. */
  hog: ({ onDecoded }) => {
    onDecoded();
    const allocated: Buffer[] = [];
    for (;;) allocated.push(Buffer.alloc(1024 * 1024, 1));
  },
  /** Keeps 100 MiB afterwards. */
  hoard: ({ onDecoded }) => {
    onDecoded();
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
} satisfies Record<string, (progress: Progress) => unknown>;
export type Behaviour = keyof typeof behaviours;

const hoarded: Buffer[] = [];

await serveTasks(() =>
  Promise.resolve(async ({ bytes }, progress) => {
    await behaviours[Buffer.from(bytes).toString() as Behaviour](progress);
    return respondWith(Object.keys(process.env).join());
  }),
);
