import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseResult } from './report/read-results.ts';
import {
  simulateBulk,
  simulateBursts,
  simulateCapacity,
  simulateExperiment,
} from './report/testing/simulate.ts';
import type { LoadTestResult } from './result.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'analyze-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs the program in the folder of the test. */
function analyze(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const program = join(import.meta.dirname, 'analyze_results.ts');
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [program, ...args],
      { cwd: folder, env: { PATH: process.env['PATH'], COLUMNS: '80', NO_COLOR: '1' } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

async function save(...results: LoadTestResult[]): Promise<void> {
  for (const result of results)
    await writeFile(join(folder, `${result.run_id}.json`), JSON.stringify(result));
}

describe('analyze_results', () => {
  it('prints a table and conclusions, and writes a report to the folder of the results', async () => {
    await save(
      ...simulateExperiment(),
      simulateBursts({ workers: 3 }, {}, { run_id: 'bursts', started_at: '2026-11-29T05:00:00.000Z' }),
      simulateCapacity({ workers: 3 }, undefined, {
        run_id: 'capacity',
        started_at: '2026-11-29T06:00:00.000Z',
      }),
    );
    const { code, stdout, stderr } = await analyze('.');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/TEST +W×S +JOBS +JOBS\/S/);
    expect(stdout).toMatch(/^bulk +5×1 +100 +6\.\d\d /m);
    expect(stdout).toMatch(/^capacity .*knee 6\/s/m);
    expect(stdout).toMatch(/throughput grew 1\.9\d×/);
    expect(stdout).toMatch(/^Report: report\.html$/m);
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toMatch(/^<!doctype html>/i);
  });

  it('fits 80 columns', async () => {
    await save(
      ...simulateExperiment([1, 2], 1_000),
      simulateCapacity({ workers: 12 }, [100, 200], { run_id: 'capacity' }),
    );
    const { stdout } = await analyze('.');
    const rows = stdout.split('\n').filter((line) => /^(TEST|bulk|capacity) /.test(line));
    expect(rows).toHaveLength(8);
    expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(80);
  });

  it('writes the report to another file with --out', async () => {
    await save(simulateBulk());
    expect((await analyze('.', '--out', 'mine.html')).code).toBe(0);
    expect(await readdir(folder)).toContain('mine.html');
    expect(await analyze('.', '--out', 'missing/mine.html')).toMatchObject({
      code: 1,
      stderr: 'Cannot write the report to missing/mine.html. Choose another file: --out report.html\n',
    });
  });

  it('prints everything as JSON with --json, and writes no report', async () => {
    await save(...simulateExperiment());
    const { code, stdout } = await analyze('.', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      machines: [
        { machine: { cores: 2 }, tests: [{ scaling: { points: [{ slots: 1 }, {}, {}, {}], usl: null } }] },
      ],
    });
    expect(await readdir(folder)).not.toContain('report.html');
  });

  it('drops warm-up runs and says how many', async () => {
    const experiment = { name: 'workers', repeat: 1, warm_up: true };
    await save(simulateBulk(), simulateBulk({}, 10, { run_id: 'warm-up', experiment }));
    expect((await analyze('.')).stdout).toMatch(/^1 warm-up run is not analysed\.$/m);
    expect(await analyze('warm-up.json')).toMatchObject({ code: 1, stdout: '' });
  });

  it('analyses runs of different runtimes separately, with a notice', async () => {
    await save(
      simulateBulk({}, 100, { run_id: 'compose', runtime: 'compose' }),
      simulateBulk({}, 100, { run_id: 'local', runtime: 'local' }),
    );
    const { stdout } = await analyze('.');
    expect(stdout.replaceAll('\n', ' ')).toContain(
      'The runs of bulk_upload differ in runtime compose and local.',
    );
    expect(stdout).toMatch(/^Bulk upload \(runtime compose\) /m);
    expect(stdout).toMatch(/^Bulk upload \(runtime local\) /m);
  });

  it('marks a run whose jobs could not all be read', async () => {
    await save(simulateBulk({}, 9, { unread: 3 }));
    const { stdout } = await analyze('.');
    expect(stdout).toMatch(/^bulk .* 3 unread/m);
    expect(stdout).toMatch(/^! 3 of 9 accepted jobs could not be read/m);
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toMatch(
      /<h1>3\saccepted jobs could not be read/,
    );
  });

  it('reports once that results of different machines are not compared', async () => {
    const machine = { platform: 'darwin-arm64', cores: 8, memory_bytes: 2 ** 34, load_average: 0 };
    await save(simulateBulk(), simulateBulk({}, 100, { run_id: 'other', machine }));
    const { code, stdout } = await analyze('.');
    expect(code).toBe(0);
    expect(stdout.match(/never compared/g)).toHaveLength(1);
  });
});

describe('analyze_results reports errors in one line', () => {
  it('without results, with the command that creates some', async () => {
    expect(await analyze('.')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'No load test results in this folder. Create some first: make load-bulk COUNT=100 WORKERS=3\n',
    });
  });

  it('for a missing file or folder', async () => {
    const { code, stderr } = await analyze('missing');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Skipped missing: no such file or folder\.\n/);
  });

  it('for each skipped file, and analyses the others', async () => {
    const text = JSON.stringify(simulateBulk());
    await writeFile(join(folder, 'cut.json'), text.slice(0, text.length / 2));
    await writeFile(join(folder, 'other.json'), '{"name":"package"}');
    await writeFile(join(folder, 'newer.json'), text.replace('"version":1', '"version":7'));
    await save(simulateBulk());
    const { code, stdout } = await analyze('.');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Skipped cut\.json: it is incomplete or not JSON\. Run the test again\.$/m);
    expect(stdout).toMatch(/^Skipped other\.json: it is not the result of a load test/m);
    expect(stdout).toMatch(/^Skipped newer\.json: it has version 7/m);
    expect(stdout).toMatch(/^bulk /m);
  });

  it('with exit code 1 if all files are broken', async () => {
    await writeFile(join(folder, 'cut.json'), '{"version":1,');
    const { code, stderr } = await analyze('.');
    expect(code).toBe(1);
    expect(stderr.split('\n')).toHaveLength(3);
  });

  it('for an unknown option', async () => {
    expect(await analyze('--jsno')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--jsno') as string,
    });
  });

  it('without control characters', async () => {
    const name = 'evil\u001b[2J<img src=x onerror=alert(1)>.json';
    await writeFile(join(folder, name), '{');
    await save(simulateBulk());
    const { stdout } = await analyze('.');
    expect(stdout).toContain('Skipped evil\uFFFD[2J<img');
    expect(await readFile(join(folder, 'report.html'), 'utf8')).not.toMatch(/<img/);
  });
});

describe('analyze_results --compare', () => {
  it('compares files, lists, folders and experiments', async () => {
    await mkdir(join(folder, 'before'));
    const slower = [1, 2, 3].map((seed) =>
      simulateBulk({ workers: 2, seed, work: 0.4 }, 100, { run_id: `before/slow-${seed}` }),
    );
    await save(...slower, ...simulateExperiment());
    const fast = 'bulk-2-1.json,bulk-2-2.json,bulk-2-3.json';
    for (const [a, b] of [
      ['before', fast],
      ['before', 'workers'],
      ['before/slow-1.json,before/slow-2.json,before/slow-3.json', 'bulk-2-1,bulk-2-2,bulk-2-3'],
    ] as const) {
      const { code, stdout } = await analyze('.', '--compare', a, b);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^bulk_upload, 2 slots \(2 × 1\): A 3 runs, B 3 runs$/m);
      expect(stdout).toMatch(/^throughput, jobs\/s .*better$/m);
    }
  });

  it('needs two sides', async () => {
    await save(simulateBulk());
    expect(await analyze('.', '--compare', 'only')).toMatchObject({
      code: 1,
      stderr: '--compare needs two sides: --compare A B. Separate several files of one side by commas.\n',
    });
  });

  it('reports unknown results, with the known experiments', async () => {
    await save(...simulateExperiment());
    expect(await analyze('.', '--compare', 'workers', 'wrokers')).toMatchObject({
      code: 1,
      stderr:
        'Unknown results "wrokers". Specify a result file, a folder, a run id or an experiment. Known experiments: workers.\n',
    });
  });
});

describe('reading a result', () => {
  const text = JSON.stringify(simulateBulk({}, 3));

  it('returns it', () => {
    expect(parseResult(text)).toMatchObject({ version: 1, script: 'bulk_upload' });
  });

  it('rejects a truncated file', () => {
    expect(parseResult(text.slice(0, text.length / 2))).toBe(
      'it is incomplete or not JSON. Run the test again.',
    );
  });

  it('rejects a newer version, whatever its content', () => {
    expect(parseResult('{"version":2,"something":"else"}')).toBe(
      'it has version 2, and this program reads version 1. Update the repository.',
    );
  });

  it('rejects other JSON, with the problem and its position', () => {
    expect(parseResult('[]')).toMatch(/^it is not the result of a load test/);
    expect(parseResult(text.replace('"completed"', '"lost"'))).toContain(
      '(jobs[0].state: must be one of queued, ',
    );
  });
});
