import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { acceptedJobId } from '../../pipeline/api-client.ts';
import { root } from '../../pipeline/paths.ts';
import { readSeminar, SeminarWalk } from '../seminar.ts';
import type { Stack } from '../stack.ts';
import { expectThat, type Step } from '../step.ts';
import { TrackedUploads } from '../tracked-uploads.ts';

const JOB_MS = 30_000;
/** How long a line that does not end by itself runs, in seconds. */
const ENDLESS_S = 20;
const walks = new WeakMap<Stack, SeminarWalk>();

function walkIn(stack: Stack): SeminarWalk {
  const walk =
    walks.get(stack) ??
    new SeminarWalk((line, until) =>
      stack.tryLine(until === undefined ? line : `timeout -s INT ${ENDLESS_S} ${line}`),
    );
  walks.set(stack, walk);
  return walk;
}

/** Other steps start and remove the system. */
const elsewhere = ['Quick start', 'Cleaning up'];

/** The lines of docs/seminar.md with Docker. */
const seminar = readSeminar(root)
  .filter(({ section }) => !elsewhere.includes(section))
  .map(({ section, docker }): Step => ({
    title: `${section}: ${docker}`,
    run: async (stack) => {
      await walkIn(stack).type(docker);
      return undefined;
    },
  }));

/** The tasks and experiments of the seminar, line by line, and what a line alone does not show. */
export const tasks: readonly Step[] = [
  ...seminar,
  {
    title: 'a completed job has a result',
    run: async (stack) => {
      await stack.untilReady();
      const image = join(stack.folder, 'test_images/sample.jpg');
      const response = await stack.api.upload(image, 'resize,watermark');
      expectThat(response.status === 202, `the upload returned ${response.status}`);
      stack.completedJob = acceptedJobId(response) ?? '';
      const { status } = await stack.api.untilEnded(stack.completedJob, JOB_MS);
      expectThat(status === 'completed', `it is ${status}`);
      const result = await fetch(`http://localhost:8000/results/${stack.completedJob}`);
      expectThat(result.headers.get('content-type') === 'image/jpeg', `the result is ${result.status}`);
      return `a result of ${(await result.arrayBuffer()).byteLength} bytes`;
    },
  },
  {
    title: 'experiment 1: docker-compose stop worker in mid-run, logs worker, start worker',
    run: async (stack) => {
      const uploads = new TrackedUploads(stack.api.url, join(stack.folder, 'test_images'));
      // Half a second of work each, so that the workers are stopped before they have finished.
      const operations = Array.from({ length: 10 }, () => 'filter:sharpen').join(',');
      await Promise.all(Array.from({ length: 60 }, () => uploads.send('sample.jpg', operations)));
      await stack.line('docker-compose stop worker');
      const waiting = await uploads.settle(0);
      const done = waiting['completed'] ?? 0;
      expectThat(done < uploads.accepted, `all ${done} jobs had ended before the workers were stopped`);
      await stack.line('docker-compose logs worker');
      await delay(1_000);
      await stack.line('docker-compose start worker');
      const ended = await uploads.settle(120_000);
      expectThat(ended.completed === uploads.accepted, JSON.stringify(ended));
      await stack.untilReady();
      return `${uploads.accepted} accepted; ${done} done when stopped; ${ended.completed ?? 0} completed after the start`;
    },
  },
];
