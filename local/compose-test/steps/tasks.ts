import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Stack } from '../stack.ts';
import { expectThat, type Step } from '../step.ts';
import { TrackedUploads } from '../tracked-uploads.ts';

const acceptedSchema = z.object({ job_id: z.string() });
const statsSchema = z.looseObject({ count: z.int() });
const JOB_MS = 30_000;

const scaleTo = (count: number): Step => ({
  title: `docker-compose up -d --scale worker=${count}`,
  run: async (stack) => {
    await stack.line(`docker-compose up -d --scale worker=${count}`);
    await stack.untilReady();
    const workers = await stack.containers('worker');
    expectThat(workers.length === count, `there are ${workers.length} workers`);
    return `${count} workers ready`;
  },
});

/** Runs a line with curl. @returns the id of the job */
async function upload(stack: Stack, line: string): Promise<string> {
  const { stdout, exitCode } = await stack.tryLine(line.replace('curl ', 'curl -sS '));
  expectThat(exitCode === 0, `curl ended with ${exitCode ?? 'none'}`);
  return acceptedSchema.parse(JSON.parse(stdout)).job_id;
}

const loadTest = (task: string, line: string, count: number): Step => ({
  title: `${task}: ${line}`,
  run: async (stack) => {
    const shown = await stack.line(line);
    expectThat(shown.includes(`${count} accepted = ${count} completed + 0 failed + 0 open`), shown);
    return /throughput +(.*)/.exec(shown)?.[1];
  },
});

/** The tasks and experiments of the README, line by line. */
export const tasks: readonly Step[] = [
  {
    title: 'task 1: curl -X POST "http://localhost:8000/upload" -F "file=@test_image.jpg" …',
    run: async (stack) => {
      await copyFile(join(stack.folder, 'test_images/sample.jpg'), join(stack.folder, 'test_image.jpg'));
      stack.completedJob = await upload(
        stack,
        'curl -X POST "http://localhost:8000/upload" -F "file=@test_image.jpg" -F "operations=resize,watermark"',
      );
      return undefined;
    },
  },
  {
    title: 'task 1: curl "http://localhost:8000/status/{job_id}"',
    run: async (stack) => {
      const { status } = await stack.api.untilEnded(stack.completedJob, JOB_MS);
      expectThat(status === 'completed', `it is ${status}`);
      const shown = await stack.line(`curl -sS "http://localhost:8000/status/${stack.completedJob}"`);
      expectThat(shown.includes('"status":"completed"'), shown);
      const result = await fetch(`http://localhost:8000/results/${stack.completedJob}`);
      expectThat(result.headers.get('content-type') === 'image/jpeg', `the result is ${result.status}`);
      return `completed, result of ${(await result.arrayBuffer()).byteLength} bytes`;
    },
  },
  scaleTo(3),
  scaleTo(5),
  {
    title: 'task 3: monitoring/queue_monitor.ts --once',
    run: async (stack) => {
      const shown = await stack.line('npx node monitoring/queue_monitor.ts --once');
      const metrics = /\bready=\d.*/.exec(shown)?.[0];
      expectThat(metrics !== undefined, `it does not show the queue: ${shown}`);
      return metrics;
    },
  },
  {
    title: 'task 3: curl http://localhost:8000/metrics',
    run: async (stack) => {
      const shown = await stack.line('curl -sS http://localhost:8000/metrics');
      expectThat(/queue/.test(shown), 'no metric of a queue');
      return `${shown.split('\n').filter((line) => /^\w/.test(line)).length} metrics`;
    },
  },
  loadTest('task 4', 'make load-bulk COUNT=100 WORKERS=1', 100),
  loadTest('task 4', 'make load-bulk COUNT=100 WORKERS=3', 100),
  loadTest('task 4', 'make load-bulk COUNT=100 WORKERS=5', 100),
  {
    title: 'task 4: npx node load_test/analyze_results.ts',
    run: async (stack) => {
      const shown = await stack.line('npx node load_test/analyze_results.ts');
      expectThat(shown.includes('All 300 accepted jobs completed'), shown);
      const report = await readFile(join(stack.folder, 'load_test/results/report.html'), 'utf8');
      expectThat(report.includes('<svg'), 'the report has no plots');
      return `a report of ${(report.length / 1_000).toFixed(0)} kB`;
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
  loadTest('experiment 2', 'make load-burst BURST=50 INTERVAL=5 ROUNDS=2', 100),
  {
    title: 'experiment 2: monitoring/performance_monitor.ts --once',
    run: async (stack) => {
      const shown = await stack.line('npx node monitoring/performance_monitor.ts --once');
      const metrics = /\bthroughput_1m=\d.*/.exec(shown)?.[0];
      expectThat(metrics !== undefined, `it does not show what was done: ${shown}`);
      return metrics;
    },
  },
  {
    title: 'experiment 3: curl -X POST "http://localhost:8000/upload" -F "file=@corrupted.jpg"; dlq/stats',
    run: async (stack) => {
      await copyFile(join(stack.folder, 'test_images/corrupted.jpg'), join(stack.folder, 'corrupted.jpg'));
      const countOf = async () =>
        statsSchema.parse(JSON.parse(await stack.line('curl -sS http://localhost:8000/dlq/stats'))).count;
      const before = await countOf();
      const jobId = await upload(
        stack,
        'curl -X POST "http://localhost:8000/upload" -F "file=@corrupted.jpg"',
      );
      const { status } = await stack.api.untilEnded(jobId, JOB_MS);
      expectThat(status === 'failed', `it is ${status}`);
      for (let tries = 0; tries < 20 && (await countOf()) === before; tries++) await delay(250);
      const after = await countOf();
      expectThat(after === before + 1, `${before} dead letters before, ${after} after`);
      return `failed, ${after} dead letters`;
    },
  },
];
