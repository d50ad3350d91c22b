import { setTimeout as sleep } from 'node:timers/promises';
import { upload, type BenchImage } from './upload.ts';

/**
 * Uploads that come by chance, as those of many independent people do (a Poisson process), whether or not earlier ones
 * were answered. Returns the job ids once all are.
 * @param perSecond mean number of uploads a second
 */
export async function steadyArrivals(
  apiUrl: string,
  image: BenchImage,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<string[]> {
  const uploads: Promise<{ jobId: string }>[] = [];
  const began = performance.now();
  for (let due = began; ;) {
    due += (-Math.log(1 - Math.random()) / perSecond) * 1_000;
    if (due > began + seconds * 1_000) break;
    await sleep(Math.max(0, due - performance.now()));
    uploads.push(upload(apiUrl, image));
  }
  await sleep(Math.max(0, began + seconds * 1_000 - performance.now()));
  return (await Promise.all(uploads)).map(({ jobId }) => jobId);
}
