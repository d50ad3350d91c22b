import { describe, expect, it } from 'vitest';
import { depthOverTime } from '../calculate.ts';
import type { LoadTestResult } from '../result.ts';
import { occupationsOf } from './charts/gantt-chart.ts';
import { sampledSeries, utilisationSeries, waitingSeries } from './charts/time-charts.ts';
import { analyse } from './conclude.ts';
import { headlineOf, htmlReport } from './html-report.ts';
import { job } from './testing/results.ts';
import { simulateBulk, simulateBursts, simulateCapacity, simulateExperiment } from './testing/simulate.ts';

const analysisOf = (
  results: readonly LoadTestResult[],
  nameOf = (result: LoadTestResult) => `${result.run_id}.json`,
) => analyse({ results: results.map((result) => ({ file: nameOf(result), result })), skipped: [] });
const reportOf = (...of: Parameters<typeof analysisOf>) => htmlReport(analysisOf(...of));

const everything = [
  ...simulateExperiment(),
  simulateBursts({ workers: 3, failing: 0.1 }, {}, { run_id: 'bursts' }),
  simulateCapacity({ workers: 3 }, [2, 4, 6, 8, 20], { run_id: 'capacity' }),
];

const VOID = new Set(['meta', 'br', 'img', 'link', 'input']);

/** Elements that were not closed, or closed in another order than they were opened. */
function unbalanced(html: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, closing, name = '', selfClosed] of html.matchAll(
    /<(\/?)([a-zA-Z][\w-]*)(?:\s[^<>]*?)?(\/?)>/g,
  )) {
    if (closing === '/') {
      if (open.pop() !== name) wrong.push(name);
    } else if (selfClosed !== '/' && !VOID.has(name)) open.push(name);
  }
  return [...wrong, ...open];
}

describe('the HTML report', () => {
  it('is well-formed, and every chart has a title, a label and a sentence on how to read it', async () => {
    const html = await reportOf(everything);
    expect(unbalanced(html)).toEqual([]);
    const figures = [...html.matchAll(/<figure[\s\S]*?<\/figure>/g)].map(([figure]) => figure);
    expect(figures.length).toBeGreaterThanOrEqual(10);
    for (const figure of figures) {
      expect(figure).toMatch(/<figcaption>\s*<h3>[^<]+<\/h3>/);
      expect(figure).toMatch(/role="img"\s+aria-label="[^"]{20,}"/);
      expect(figure).toMatch(/<p class="reading">[^<]{20,}<\/p>/);
      expect(figure.match(/<svg/g)).toHaveLength(2);
    }
  });

  it('loads no resources and has no scripts', async () => {
    const html = await reportOf(everything);
    const addresses = html.match(/\bhttps?:\/\/[^"'\s<)]+/g) ?? [];
    expect(new Set(addresses)).toEqual(
      new Set(['http://www.w3.org/2000/svg', 'http://www.w3.org/1999/xlink']),
    );
    expect(html).not.toMatch(/<(script|link|img|iframe|object|embed|image)\b|\ssrc=|@import|url\((?!#)/);
  });

  it('has no duplicate ids', async () => {
    const ids = [...(await reportOf(everything)).matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(ids).toHaveLength(new Set(ids).size);
  });

  it('escapes what comes from result files', async () => {
    const hostile = '<img src=x onerror=alert(1)>"\'&';
    const { jobs, ...result } = simulateBulk({ failing: 0.5 }, 20, {
      workers: [{ name: hostile, slots: 1 }],
      parameters: { [hostile]: hostile },
      run_id: hostile,
    });
    const renamed = jobs.map((job) => ({ ...job, worker: hostile, error: job.error && hostile }));
    const html = await reportOf([{ ...result, jobs: renamed }], () => `${hostile}.json`);
    expect(html).not.toMatch(/<img/i);
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(unbalanced(html)).toEqual([]);
  });

  it('stays small for large runs', async () => {
    const large = [1, 2, 3].map((workers) =>
      simulateBulk({ workers }, 5_000, { run_id: `large-${workers}` }),
    );
    expect((await reportOf(large)).length).toBeLessThan(2_000_000);
  });

  it('fits the Universal Scalability Law with five numbers of slots, and says why not with four', async () => {
    expect(await reportOf(simulateExperiment([1, 2, 3, 5, 8], 40))).toMatch(/Fitted to all runs/);
    expect(await reportOf(simulateExperiment([1, 2, 3, 5], 40))).toMatch(/these\s+runs have.4/);
  });

  it('has no NaN, undefined or Infinity in it, even where runs have no jobs, samples, slots or steps', async () => {
    const bare = { samples: [], workers: [], machine: null };
    const queued = simulateBulk({}, 5).jobs.map((job) => ({
      ...job,
      state: 'queued' as const,
      started_at: null,
      ended_at: null,
      worker: null,
    }));
    const html = await reportOf([
      simulateBulk({}, 0, { ...bare, jobs: [], run_id: 'none' }),
      simulateBulk({}, 1, { ...bare, run_id: 'one' }),
      simulateBulk({}, 5, { ...bare, jobs: queued, lost: 5, run_id: 'stuck' }),
      simulateBursts({}, { size: 1, rounds: 1 }, { ...bare, run_id: 'burst' }),
      simulateBursts({}, { size: 2, rounds: 1 }, { ...bare, jobs: queued, run_id: 'stuck-burst' }),
      simulateCapacity({}, [5], { ...bare, run_id: 'step' }),
      simulateCapacity({}, [6], { ...bare, jobs: queued, run_id: 'stuck-step' }),
      simulateCapacity({}, [7], { ...bare, steps: [], run_id: 'no-step' }),
    ]);
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
    expect(unbalanced(html)).toEqual([]);
  });

  it('shows each machine separately', async () => {
    const machine = { platform: 'darwin-arm64', cores: 8, memory_bytes: 16 * 1024 ** 3, load_average: 1 };
    const html = await reportOf([simulateBulk(), simulateBulk({}, 100, { machine, run_id: 'other' })]);
    expect(html).toMatch(/The results come from 2 machines/);
    expect(html.match(/class="machine-name"/g)).toHaveLength(2);
  });
});

describe('the headline', () => {
  it('is what the scaling curve shows', () => {
    expect(headlineOf(analysisOf(everything))).toMatch(
      /^Throughput grows 1\.9\d× from 1 to 2 slots, then stays flat$/,
    );
  });

  it('is about lost jobs, if there are any', () => {
    expect(headlineOf(analysisOf([...everything, simulateBulk({}, 100, { run_id: 'x', lost: 3 })]))).toBe(
      '3 accepted jobs did not end',
    );
  });
});

describe('the series of jobs that wait', () => {
  it('is exact for a small run', () => {
    expect(waitingSeries([job(0, 0, 2), job(1, 2, 3)])).toEqual([
      { seconds: 0, value: 0 },
      { seconds: 1, value: 1 },
      { seconds: 2, value: 0 },
      { seconds: 3, value: 0 },
    ]);
  });

  it('has a bounded number of points for a large run, and keeps its peak and its end', () => {
    const { jobs } = simulateBulk({ workers: 2 }, 2_000);
    const series = waitingSeries(jobs, 240);
    const peak = Math.max(...depthOverTime(jobs).map(({ waiting }) => waiting));
    expect(series).toHaveLength(241);
    expect(Math.max(...series.map(({ value }) => value))).toBe(peak);
    expect(series.at(-1)?.value).toBe(0);
  });
});

describe('the series of utilisation', () => {
  it('is the mean share of busy slots in each part of the time', () => {
    // One of two slots for the first second, both for the second one, none for the third.
    const jobs = [job(0, 0, 2), job(0, 1, 2), job(3, 3, 4)];
    const shares = utilisationSeries(jobs, 2, 4).map(({ value }) => value);
    expect(shares).toEqual([0.5, 1, 0, 0.5, 0.5]);
  });
});

describe('the series of samples', () => {
  it('has at most as many points as asked for, none of them outside the run', () => {
    const result = simulateBulk({}, 200);
    const series = sampledSeries(result, ({ queued }) => queued, 20);
    expect(series.length).toBeLessThanOrEqual(20);
    expect(Math.min(...series.map(({ seconds }) => seconds))).toBeGreaterThanOrEqual(0);
  });
});

describe('the slots of a worker in the Gantt chart', () => {
  const slotsOf = (jobs: Parameters<typeof occupationsOf>[0], slots: number | null) =>
    occupationsOf(jobs, new Map([['worker-1', slots]])).map(({ slot }) => slot);

  it('are filled from the first: a job takes the first that is free', () => {
    expect(slotsOf([job(0, 0, 3), job(0, 1, 2), job(0, 2, 4), job(0, 3, 5)], 2)).toEqual([1, 2, 2, 1]);
  });

  it('are never more than the worker has, even where clocks make jobs overlap', () => {
    expect(slotsOf([job(0, 0, 2), job(0, 1.99, 3)], 1)).toEqual([1, 1]);
    expect(slotsOf([job(0, 0, 2), job(0, 1.99, 3)], null)).toEqual([1, 2]);
  });
});
