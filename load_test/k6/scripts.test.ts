import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { countJobs, kneeOf, recoveries, stepOutcomes } from '../calculate.ts';
import { readSnapshot } from '../../testing/snapshot-watch.ts';
import { loadTestResultSchema, type LoadTestResult } from '../result.ts';
import { httpProxy } from '../../testing/http-proxy.ts';
import { startSystem, type System } from '../../testing/start-system.ts';

const k6 = inject('k6');
const root = join(import.meta.dirname, '../..');
const RUN_MS = 90_000;
const fault = (status: number) => ({ status, body: '{"code":"fault"}' });

describe.skipIf(k6 === null)('the k6 scripts', () => {
  let system: System;
  let runs = 0;
  /** Jobs of all runs so far. */
  let accepted = 0;

  beforeAll(async () => {
    system = await startSystem({ name: 'k6', workers: 1, slots: 2, monitoring: true });
  }, RUN_MS);

  afterAll(() => system[Symbol.asyncDispose]());

  const finished = (script: string, settings: Readonly<Record<string, string>>) => run(script, settings).end;

  it(
    'bulk_upload follows every job to its end and records its timeline',
    async () => {
      const images = ['sample.jpg', 'corrupted.jpg', 'one-pixel.png', 'text.jpg'];
      const { exitCode, stdout, result } = await finished('bulk_upload', {
        COUNT: '10',
        VUS: '4',
        IMAGES: images.map((name) => join(root, 'test_images', name)).join('\n'),
      });
      expect(exitCode).toBe(0);
      expect(result).toMatchObject({
        script: 'bulk_upload',
        stopped: 'finished',
        lost: 0,
        parameters: { COUNT: 10, VUS: 4, IMAGES: images.join(', ') },
        workers: [{ name: 'worker-1', slots: 2 }],
        uploads: { sent: 10, accepted: 8, refused: { unsupported_type: 2 } },
        machine: { cores: expect.any(Number) as number },
      });
      if (result === undefined) return;
      expect(countJobs(result.jobs)).toEqual({ completed: 5, failed: 3, open: 0 });
      expect(result.jobs.find(({ image }) => image === 'corrupted.jpg')).toMatchObject({
        state: 'failed',
        error: 'undecodable_image',
        worker: 'worker-1',
      });
      expect(result.samples.length).toBeGreaterThan(0);
      await expectExact(result, stdout);
    },
    RUN_MS,
  );

  it(
    'burst_test measures the recovery of each burst',
    async () => {
      const { exitCode, stdout, result } = await finished('burst_test', {
        BURST: '12',
        INTERVAL: '2',
        ROUNDS: '2',
      });
      expect(exitCode).toBe(0);
      expect(result).toMatchObject({ stopped: 'finished', uploads: { sent: 24, refused: {} } });
      if (result === undefined) return;
      const measured = recoveries(result);
      expect(measured).toHaveLength(2);
      for (const { seconds, size, peak } of measured) {
        expect(size).toBe(12);
        expect(peak).toBeGreaterThan(0);
        expect(seconds).toBeGreaterThan(0);
      }
      await expectExact(result, stdout);
    },
    RUN_MS,
  );

  it(
    'capacity_test stops when results no longer keep up, and leaves no open job',
    async () => {
      const { exitCode, stdout, stderr, result } = await finished('capacity_test', {
        RATE: '1',
        FACTOR: '4',
        STEPS: '8',
        STEP_SECONDS: '3',
        LIMIT: '2',
        MAX_VUS: '150',
        IMAGES: 'test_images/sample.jpg',
        PWD: root,
      });
      expect(exitCode).toBe(108);
      expect(stderr).toMatch(/saturated at [\d.]+ uploads\/s: a result took more than 2 s/);
      expect(result?.stopped).toBe('saturated');
      if (result === undefined) return;
      expect(result.steps.length).toBeLessThan(8);
      const outcomes = stepOutcomes(result);
      expect(outcomes.at(-1)?.sustained).toBe(false);
      expect(kneeOf(outcomes)?.rate ?? 0).toBeLessThan(outcomes.at(-1)?.rate ?? 0);
      await expectExact(result, stdout);
    },
    RUN_MS,
  );

  it(
    'fails with exit code 99 when an accepted job does not end in time',
    async () => {
      const [worker] = system.workers;
      void worker?.signal('SIGSTOP');
      const { process: k6Run, end } = run('bulk_upload', { COUNT: '4', JOB_TIMEOUT: '1' });
      for await (const line of k6Run.iterable({ from: 'stderr' })) {
        if (line.includes('was accepted and is lost')) void worker?.signal('SIGCONT');
      }
      const { exitCode, result } = await end;
      expect(exitCode).toBe(99);
      expect(result?.lost).toBeGreaterThan(0);
      expect(countJobs(result?.jobs ?? [])).toMatchObject({ completed: 4, open: 0 });
    },
    RUN_MS,
  );

  it(
    'reads every job at the end, although some requests fail',
    async () => {
      let reads = 0;
      await using api = await httpProxy(system.apiUrl, {
        respond: (method, path) =>
          method === 'GET' && /^\/(status|jobs)/.test(path) && ++reads % 3 === 0 ? fault(503) : undefined,
      });
      const { exitCode, stdout, result } = await finished('bulk_upload', { API_URL: api.url, COUNT: '6' });
      expect(exitCode).toBe(0);
      expect(result).toMatchObject({ uploads: { accepted: 6 }, lost: 0, unread: 0 });
      if (result !== undefined) await expectExact(result, stdout);
    },
    RUN_MS,
  );

  it(
    'counts a job that is unknown to the API as lost, also in a capacity test',
    async () => {
      await using api = await httpProxy(system.apiUrl, {
        respond: (_method, path) => (path.startsWith('/status/') ? fault(404) : undefined),
      });
      const { exitCode, stderr, stdout, result } = await finished('capacity_test', {
        API_URL: api.url,
        STEPS: '1',
        STEP_SECONDS: '1',
      });
      expect(exitCode).toBe(99);
      expect(stderr).toContain('was accepted and is lost: the API has no such job.');
      expect(result?.lost).toBe(result?.uploads.accepted);
      expect(result?.unread).toBe(result?.uploads.accepted);
      expect(stdout).toContain('accepted jobs could not be read');
    },
    RUN_MS,
  );

  it(
    'writes a result when it is interrupted, after all accepted jobs have ended',
    async () => {
      const { process: k6Run, end } = run('bulk_upload', { COUNT: '5000', VUS: '2' });
      await expect
        .poll(async () => (await readSnapshot(system.monitoringUrl ?? '')).ledger?.accepted ?? 0, {
          timeout: 30_000,
        })
        .toBeGreaterThan(accepted);
      k6Run.kill('SIGINT');
      const { stdout, result } = await end;
      expect(result?.stopped).toBe('interrupted');
      if (result !== undefined) await expectExact(result, stdout);
    },
    RUN_MS,
  );

  it.each([
    ['bulk_upload', { COUNT: 'abc' }, 'COUNT=abc is invalid: use a whole number from 1 to 100000'],
    ['burst_test', { BURST: '0' }, 'BURST=0 is invalid: use a whole number from 1 to 10000'],
    ['capacity_test', { RATE: '-1' }, 'RATE=-1 is invalid: use a number from 0.1 to 10000'],
    ['bulk_upload', { API_URL: 'localhost:8000' }, 'API_URL=localhost:8000 is invalid'],
    [
      'bulk_upload',
      { API_URL: 'http://127.0.0.1:9' },
      'The API at http://127.0.0.1:9 does not respond. Start',
    ],
    ['bulk_upload', { IMAGES: '/nowhere/a.jpg' }, 'IMAGES: cannot open /nowhere/a.jpg'],
    ['bulk_upload', { IMAGES: '/tmp' }, 'k6 cannot list a folder'],
  ])('%s with %o ends with one line', async (script, settings, message) => {
    const { exitCode, stderr, result } = await finished(script, settings);
    expect(exitCode).not.toBe(0);
    expect(result).toBeUndefined();
    const lines = stderr.split('\n').filter((line) => line !== '' && !line.includes('Request Failed'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(message);
  });

  /** Runs a script as people do; its result file is read and removed. */
  function run(script: string, settings: Readonly<Record<string, string>>) {
    const runId = `test-${process.pid}-${++runs}`;
    const file = join(root, 'load_test/results', `${runId}.json`);
    const variables = {
      API_URL: system.apiUrl,
      MONITORING_URL: system.monitoringUrl ?? '',
      RUN_ID: runId,
      ...settings,
    };
    const process_ = execa(
      k6 ?? '',
      [
        'run',
        '--quiet',
        '--log-format=raw',
        `load_test/${script}.ts`,
        ...Object.entries(variables).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
      ],
      { cwd: root, reject: false, env: { K6_NO_USAGE_REPORT: 'true' } },
    );
    const end = process_.then(async ({ exitCode, stdout, stderr }) => {
      const written = await readFile(file, 'utf8').catch(() => undefined);
      await rm(file, { force: true });
      const result = written === undefined ? undefined : loadTestResultSchema.parse(JSON.parse(written));
      accepted += result?.uploads.accepted ?? 0;
      return { exitCode, stdout, stderr, result };
    });
    return { process: process_, end };
  }

  /** Result, summary and monitoring must agree. */
  async function expectExact(result: LoadTestResult, stdout: string): Promise<void> {
    const { completed, failed, open } = countJobs(result.jobs);
    expect(open).toBe(0);
    expect(result.uploads.accepted).toBe(completed + failed);
    expect(stdout).toContain(
      `${result.uploads.accepted} accepted = ${completed} completed + ${failed} failed + 0 open`,
    );
    await expect
      .poll(async () => (await readSnapshot(system.monitoringUrl ?? '')).ledger, { timeout: 15_000 })
      .toMatchObject({ accepted, open: 0, unaccounted: 0 });
  }
});
