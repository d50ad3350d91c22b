import { describe, expect, it } from 'vitest';
import type { Job } from '../pipeline/api-client.ts';
import { courseOf, courseRows, type Course } from './course.ts';
import { judgeGracefulStop, judgeKill, judgeStandstill, judgeTally } from './judge-fault-tolerance.ts';

/** Everything happens around this moment. */
const NOW = Date.parse('2026-01-02T03:04:05.000Z');

function course(jobId: string, changes: Partial<Course> = {}): Course {
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
  it('finished its jobs, and others took what came later', () => {
    const courses = [
      course('held-1', { worker: 'worker-2' }),
      course('other-1'),
      course('later-1', { startedAt: NOW + 3_000 }),
    ];
    expect(judgeGracefulStop('worker-2', new Set(['held-1']), NOW, courses)).toEqual({
      saw: [
        'worker-2 was processing 1 job when it was stopped, and finished 1 of them.',
        '1 job started after the stop, 1 of them on other workers.',
      ],
      broken: [],
    });
  });

  it('gave back what it could not finish: that is no loss, and is said', () => {
    const courses = [course('held-1', { redelivered: true })];
    const { saw, broken } = judgeGracefulStop('worker-2', new Set(['held-1']), NOW, courses);
    expect(saw[0]).toContain('finished 0 of them');
    expect(saw.at(-1)).toContain('did not finish …held-1 in time and returned them to the queue');
    expect(broken).toEqual([]);
  });
});

describe('a worker that was killed', () => {
  it('had a job that RabbitMQ redelivered to another', () => {
    const courses = [course('held-1', { redelivered: true, startedAt: NOW + 40 }), course('other-1')];
    expect(judgeKill('worker-2', new Set(['held-1']), NOW, courses)).toEqual({
      saw: [
        'Job …held-1 was on worker-2 when it was killed. RabbitMQ redelivered it: worker-1 started it 0.0 s after the kill.',
      ],
      broken: [],
    });
  });

  it('may get its own job again when it is back', () => {
    const again = course('held-1', { worker: 'worker-2', redelivered: true, startedAt: NOW + 2_000 });
    expect(judgeKill('worker-2', new Set(['held-1']), NOW, [again]).saw[0]).toContain(
      'worker-2 itself, restarted by then, started it 2.0 s after',
    );
  });

  it('may have finished just before: then nothing was shown, and that is said', () => {
    const { saw, broken } = judgeKill('worker-2', new Set(['held-1']), NOW, [course('held-1')]);
    expect(saw).toEqual([expect.stringContaining('no job was redelivered')]);
    expect(broken).toEqual([]);
  });

  it('has broken a promise if its job does not end', () => {
    const lost = course('held-1', { status: 'processing', endedAt: undefined, ends: 0 });
    expect(judgeKill('worker-2', new Set(['held-1']), NOW, [lost]).broken).toEqual([
      'Job held-1 is processing, not completed.',
    ]);
  });
});

describe('without any worker', () => {
  it('jobs wait, and end when there are workers again', () => {
    const courses = [course('waits-1'), course('ended-1')];
    expect(judgeStandstill(new Set(['waits-1']), 1, courses).saw).toEqual([
      'Without workers, 1 job waited, and RabbitMQ counted 1 in the queue. After the start, 1 of them finished.',
    ]);
    expect(judgeStandstill(new Set(['waits-1']), undefined, courses).saw[0]).not.toContain('RabbitMQ');
  });
});

describe('the tally', () => {
  const courses = [course('1'), course('2')];

  it('is even when jobs and monitoring say the same', () => {
    const { saw, broken } = judgeTally(courses, { accepted: 2, completed: 2, failed: 0 });
    expect(saw).toEqual([
      '2 accepted = 2 completed + 0 failed.',
      'The monitoring service counted the same from the events: 2 accepted, 2 completed, 0 failed.',
    ]);
    expect(broken).toEqual([]);
  });

  it('is not even when a job ended twice', () => {
    const { broken } = judgeTally([course('1'), course('2', { ends: 2 })], undefined);
    expect(broken).toEqual(['These jobs finished more than once: …2.']);
    expect(judgeTally(courses, { accepted: 2, completed: 3, failed: 0 }).broken).toHaveLength(1);
  });

  it('says when somebody else used the system', () => {
    const { saw, broken } = judgeTally(courses, { accepted: 5, completed: 5, failed: 0 });
    expect(saw.at(-1)).toContain('another client used the system');
    expect(broken).toEqual([]);
  });
});

describe('the course of a job', () => {
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
    const seen = courseOf(job, () => 'pipeline_worker_1');
    expect(seen).toMatchObject({ worker: 'pipeline_worker_1', redelivered: true, ends: 1 });
    expect(courseRows([seen], NOW)).toEqual([
      ['…0000abcd', 'pipeline_worker_1', '−1.0 s', '+1.0 s', 'yes', 'completed'],
    ]);
  });

  it('of one that no worker has taken yet has no times', () => {
    const waiting = courseOf(
      { ...job, status: 'queued', timeline: job.timeline.slice(0, 1) },
      (name) => name,
    );
    expect(courseRows([waiting], NOW)).toEqual([['…0000abcd', '-', '-', '-', 'no', 'queued']]);
  });
});
