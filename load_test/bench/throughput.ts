import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import PQueue from 'p-queue';
import type { System } from '../../testing/start-system.ts';
import { upload, type BenchImage } from './upload.ts';
import { JobWatcher } from './watch-jobs.ts';

/** Uploads under way at once: enough to keep the queue filled, as a crowd of clients would. */
const UPLOADS_AT_ONCE = 8;
const WARM_UP_IMAGES = 60;

/** Images per second of the whole system: from the first upload to the last end, as a subscriber sees it. */
export async function systemThroughput(
  system: System,
  watcher: JobWatcher,
  images: readonly BenchImage[],
): Promise<number> {
  const uploads = new PQueue({ concurrency: UPLOADS_AT_ONCE });
  const since = performance.now();
  await Promise.all(
    images.map(async (image) => {
      const { jobId } = await uploads.add(() => upload(system.apiUrl, image));
      await watcher.ended(jobId);
    }),
  );
  return (images.length / (performance.now() - since)) * 1_000;
}

/** Images per second of the whole system, found by the work that warms it up. */
export async function findSpeed(system: System, image: BenchImage): Promise<number> {
  await using watcher = await JobWatcher.open(system.notificationUrl);
  return await systemThroughput(
    system,
    watcher,
    Array.from({ length: WARM_UP_IMAGES }, () => image),
  );
}

/** Images per second of bare loops over the same images, one a process. The processes are warm. */
export class BareLoops implements Disposable {
  readonly #children: readonly ChildProcess[];

  constructor(processes: number) {
    this.#children = Array.from({ length: processes }, () =>
      fork(join(import.meta.dirname, 'bare-loop.ts'), { serialization: 'advanced' }),
    );
  }

  async throughput(images: readonly BenchImage[]): Promise<number> {
    const since = performance.now();
    await Promise.all(
      this.#children.map(async (child, index) => {
        const share = images.filter((_image, at) => at % this.#children.length === index);
        child.send(share.map(({ name, contentType, operations }) => ({ name, contentType, operations })));
        await once(child, 'message');
      }),
    );
    return (images.length / (performance.now() - since)) * 1_000;
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill();
  }
}
