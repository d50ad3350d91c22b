import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../../testing/temp-folder.ts';
import type { JobRecord, LoadTestResult } from '../result.ts';
import { concludePeakLoad } from './conclusions.ts';
import { Guide } from './guide.ts';
import { peakLoad } from './peak-load.ts';

const BEGIN = Date.parse('2026-01-02T03:04:05.000Z');
const at = (second: number) => new Date(BEGIN + second * 1_000).toISOString();

describe('a burst test', () => {
  it('is summarized by its counts, its times, and the recovery of each burst', () => {
    expect(concludePeakLoad(result())).toMatchObject({
      observed: [
        '3 of 3 images were accepted.',
        '3 accepted = 3 completed + 0 failed.',
        'Half of the uploads took at most 0.02 s, half of the results at most 2.0 s: the difference is mostly waiting.',
        expect.stringMatching(/^Burst 1 found an empty queue; the queue rose to \d, and it was back/),
      ],
      violations: [],
    });
  });

  it('with refused uploads violates no promise, and the error codes are named', () => {
    const uploads = { sent: 5, accepted: 3, refused: { queue_full: 2 }, seconds: null };
    const { observed, violations } = concludePeakLoad(result({ uploads }));
    expect(observed[0]).toBe('3 of 5 images were accepted, 2 refused (queue_full).');
    expect(violations).toEqual([]);
  });

  it('with a lost job violates a promise', () => {
    expect(concludePeakLoad(result({ lost: 1 })).violations).toEqual(['1 accepted job did not end.']);
  });

  it('runs between two views of the performance, and is analyzed', async () => {
    await using folder = await tempFolder();
    const file = join(folder.path, 'result.json');
    await writeFile(file, JSON.stringify(result()));
    const output = new PassThrough();
    const done: string[] = [];
    const note = (what: string) => {
      done.push(what);
      return Promise.resolve();
    };
    await peakLoad(new Guide({ input: new PassThrough(), output }, new AbortController().signal), {
      monitoringUrl: 'http://localhost:8002',
      performance: () => note('performance'),
      burstTest: async ({ BURST = '', INTERVAL = '', ROUNDS = '' }) => {
        await note(`bursts of ${BURST} every ${INTERVAL} s, ${ROUNDS} times`);
        return file;
      },
      analyze: () => note('analysis'),
    });
    output.end();
    const shown = stripVTControlCharacters(await text(output));
    expect(done).toEqual(['performance', 'bursts of 50 every 5 s, 3 times', 'performance', 'analysis']);
    expect(shown).toContain('$ make load-burst BURST=50 INTERVAL=5 ROUNDS=3');
    expect(shown).toContain('What this shows');
  });
});

/** Uploaded at second 0, then processed one after the other, a second each. */
function job(place: number): JobRecord {
  return {
    job_id: `job-${place}`,
    image: 'sample.jpg',
    state: 'completed',
    group: 1,
    queued_at: at(0),
    started_at: at(place),
    ended_at: at(place + 1),
    worker: 'worker-1',
    attempts: 1,
    error: null,
  };
}

function result(changes: Partial<LoadTestResult> = {}): LoadTestResult {
  return {
    version: 1,
    script: 'burst_test',
    run_id: 'burst-1',
    parameters: {},
    experiment: null,
    started_at: at(0),
    ended_at: at(4),
    stopped: 'finished',
    api_url: 'http://localhost:8000',
    host: null,
    runtime: null,
    machine: null,
    versions: { pipeline: null, node: null, rabbitmq: null, k6: null },
    workers: [],
    uploads: { sent: 3, accepted: 3, refused: {}, seconds: { p50: 0.02, p95: 0.1, p99: 0.1, mean: 0.03 } },
    jobs: [job(0), job(1), job(2)],
    lost: 0,
    unread: 0,
    bursts: [{ number: 1, size: 3, at: at(0) }],
    steps: [],
    samples: [],
    ...changes,
  };
}
