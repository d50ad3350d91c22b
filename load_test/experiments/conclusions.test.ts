import { describe, expect, it, test } from 'vitest';
import type { Job } from '../../local/pipeline/api-client.ts';
import type { DeadLetter } from '../../local/pipeline/dead-letters.ts';
import {
  type DeadLetterEvidence,
  concludeDeadLetter,
  concludeStop,
  concludeKill,
  concludeNoWorkers,
  concludeTotals,
} from './conclusions.ts';
import { type JobHistory, historyOf, historyRows } from './job-batches.ts';

/** Everything happens around this moment. */
const NOW = Date.parse('2026-01-02T03:04:05.000Z');

function history(jobId: string, changes: Partial<JobHistory> = {}): JobHistory {
  const times = { startedAt: NOW - 1_000, endedAt: NOW + 2_000 };
  return {
    jobId,
    status: 'completed',
    worker: 'worker-1',
    ...times,
    redelivered: false,
    ends: 1,
    ...changes,
  };
}

describe('a worker that was stopped', () => {
  it('finished its jobs, and other workers took the later ones', () => {
    const histories = [
      history('held-1', { worker: 'worker-2' }),
      history('other-1'),
      history('later-1', { startedAt: NOW + 3_000 }),
    ];
    expect(concludeStop('worker-2', new Set(['held-1']), NOW, histories)).toEqual({
      observed: [
        'worker-2 was processing 1 job when it was stopped, and finished 1 of them.',
        '1 job started after the stop, 1 of them on other workers.',
      ],
      violations: [],
    });
  });

  it('returned a job that it could not finish, which is reported as an observation', () => {
    const histories = [history('held-1', { redelivered: true })];
    const { observed, violations } = concludeStop('worker-2', new Set(['held-1']), NOW, histories);
    expect(observed[0]).toContain('finished 0 of them');
    expect(observed.at(-1)).toContain('did not finish …held-1 in time and returned them to the queue');
    expect(violations).toEqual([]);
  });
});

describe('a worker that was killed', () => {
  it('had a job that RabbitMQ redelivered to another worker', () => {
    const histories = [history('held-1', { redelivered: true, startedAt: NOW + 40 }), history('other-1')];
    expect(concludeKill('worker-2', new Set(['held-1']), NOW, histories)).toEqual({
      observed: [
        'Job …held-1 was on worker-2 when it was killed. RabbitMQ redelivered it: worker-1 started it 0.0 s after the kill.',
      ],
      violations: [],
    });
  });

  it('may receive its own job again after its restart', () => {
    const again = history('held-1', { worker: 'worker-2', redelivered: true, startedAt: NOW + 2_000 });
    expect(concludeKill('worker-2', new Set(['held-1']), NOW, [again]).observed[0]).toContain(
      'worker-2 itself, restarted by then, started it 2.0 s after',
    );
  });

  it('may have finished its job just before, which is reported', () => {
    const { observed, violations } = concludeKill('worker-2', new Set(['held-1']), NOW, [history('held-1')]);
    expect(observed).toEqual([expect.stringContaining('no job was redelivered')]);
    expect(violations).toEqual([]);
  });

  it('violates a promise if its job does not end', () => {
    const lost = history('held-1', { status: 'processing', endedAt: undefined, ends: 0 });
    expect(concludeKill('worker-2', new Set(['held-1']), NOW, [lost]).violations).toEqual([
      'Job held-1 is processing, not completed.',
    ]);
  });
});

describe('without workers', () => {
  it('jobs wait, and end when workers are running again', () => {
    const histories = [history('waits-1'), history('ended-1')];
    expect(concludeNoWorkers(new Set(['waits-1']), 1, histories).observed).toEqual([
      'Without workers, 1 job waited, and RabbitMQ counted 1 in the queue. After the start, 1 of them finished.',
    ]);
    expect(concludeNoWorkers(new Set(['waits-1']), undefined, histories).observed[0]).not.toContain(
      'RabbitMQ',
    );
  });
});

describe('the total', () => {
  const histories = [history('1'), history('2')];

  it('is correct if the API and monitoring report the same counts', () => {
    const { observed, violations } = concludeTotals(histories, { accepted: 2, completed: 2, failed: 0 });
    expect(observed).toEqual([
      '2 accepted = 2 completed + 0 failed.',
      'The monitoring service counted the same from the events: 2 accepted, 2 completed, 0 failed.',
    ]);
    expect(violations).toEqual([]);
  });

  it('violates a promise if a job ended twice', () => {
    const { violations } = concludeTotals([history('1'), history('2', { ends: 2 })], undefined);
    expect(violations).toEqual(['These jobs finished more than once: …2.']);
    expect(concludeTotals(histories, { accepted: 2, completed: 3, failed: 0 }).violations).toHaveLength(1);
  });

  it('reports that another client used the system', () => {
    const { observed, violations } = concludeTotals(histories, { accepted: 5, completed: 5, failed: 0 });
    expect(observed.at(-1)).toContain('another client used the system');
    expect(violations).toEqual([]);
  });
});

describe('the history of a job', () => {
  const at = (second: number) => new Date(NOW + second * 1_000).toISOString();
  const job: Job = {
    job_id: '0190f3c4-aaaa-7000-8000-00000000abcd',
    status: 'completed',
    submitted_at: at(-9),
    updated_at: at(1),
    original: { name: 'a.jpg', size: 1 },
    run: 1,
    runs: [],
    timeline: [
      { state: 'queued', at: at(-9), attempt: 1 },
      { state: 'processing', at: at(-1), attempt: 1, worker: 'worker-c0ffee-7', redelivered: true },
      { state: 'completed', at: at(1), attempt: 1, worker: 'worker-c0ffee-7' },
    ],
  };

  it('is read from its timeline, with workers as make ps shows them', () => {
    const seen = historyOf(job, () => 'pipeline_worker_1');
    expect(seen).toMatchObject({ worker: 'pipeline_worker_1', redelivered: true, ends: 1 });
    expect(historyRows([seen], NOW)).toEqual([
      ['…0000abcd', 'pipeline_worker_1', '−1.0 s', '+1.0 s', 'yes', 'completed'],
    ]);
  });

  it('has no times if no worker has started the job', () => {
    const waiting = historyOf(
      { ...job, status: 'queued', timeline: job.timeline.slice(0, 1) },
      (name) => name,
    );
    expect(historyRows([waiting], NOW)).toEqual([['…0000abcd', '-', '-', '-', 'no', 'queued']]);
  });
});

const at = '2026-01-02T03:04:05.000Z';
const error = { code: 'undecodable_image', reason: 'The JPEG ends before its end marker.' };
const first: Job = {
  job_id: '0190f3c4-aaaa-7000-8000-00000000abcd',
  status: 'failed',
  submitted_at: at,
  updated_at: at,
  original: { name: 'corrupted.jpg', size: 1 },
  error,
  run: 1,
  runs: [],
  timeline: [{ state: 'processing', at, attempt: 1, worker: 'worker-1' }],
};
const letter: DeadLetter = {
  job_id: first.job_id,
  run: 1,
  attempts: 1,
  error,
  death: { reason: 'rejected', queue: 'image.jobs.process', at },
  name: 'corrupted.jpg',
  dead_lettered_at: at,
};
const expected: DeadLetterEvidence = {
  first,
  letter,
  after: 1,
  inQueue: 1,
  second: { ...first, run: 2, runs: [{ run: 1, status: 'failed' }] },
  again: { ...letter, run: 2 },
  end: 0,
};

test('the conclusion describes each step of the dead letter', () => {
  expect(concludeDeadLetter(expected)).toMatchObject({
    observed: [
      'The job was accepted and failed after 1 attempt with undecodable_image.',
      `RabbitMQ moved its message from image.jobs.process to image.jobs.dead at ${at}, because it was rejected.`,
      "/dlq/stats grew by 1, RabbitMQ's queue by 1.",
      'The replay was run 2 of the same job, and it failed.',
      'After it was discarded, there were as many dead letters as before the experiment.',
    ],
    violations: [],
  });
});

test('unexpected counts are an observation, not a violation', () => {
  const { observed, violations } = concludeDeadLetter({ ...expected, after: 3, inQueue: undefined, end: 2 });
  expect(observed).toContainEqual(expect.stringContaining('another client used the system'));
  expect(observed.at(-1)).toContain('differed by 2');
  expect(violations).toEqual([]);
});

test('a job that is not in the dead-letter queue, or was not replayed, is a violation', () => {
  expect(concludeDeadLetter({ ...expected, letter: undefined }).violations).toHaveLength(1);
  expect(concludeDeadLetter({ ...expected, again: undefined }).violations).toHaveLength(1);
  expect(concludeDeadLetter({ ...expected, second: first }).violations).toEqual([
    'The job was replayed, but it has no run 2.',
  ]);
  expect(concludeDeadLetter({ ...expected, first: { ...first, status: 'completed' } }).violations).toEqual([
    'The corrupted image is completed, not failed.',
  ]);
});
