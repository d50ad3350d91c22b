import type { StoredImage } from '@image-pipeline/shared/contracts/outcome.ts';
import { describe, expect, it } from 'vitest';
import { completedOutcome, failedOutcome, someRequest } from '../../testing/job-life.ts';
import { checkEvidence } from './check-evidence.ts';
import type { Evidence, ImageEvidence, JobEvidence } from './evidence.ts';
import type { Note } from './note.ts';

/** `I3 accepted but lost: id` and the like. */
function violationsOf(evidence: Evidence): string[] {
  return checkEvidence(evidence).violations.map(
    ({ invariant, what, which }) => `${invariant} ${what}: ${which.join(', ')}`,
  );
}

function withImages(job: JobEvidence, change: (images: readonly ImageEvidence[]) => ImageEvidence[]) {
  return { ...job, images: change(job.images) };
}

describe('the check of the evidence', () => {
  it('passes if every accepted job has ended and is complete', () => {
    const report = checkEvidence(evidenceOf([completedJob(), completedJob(), failedJob()]));
    expect(report.violations).toEqual([]);
    expect(report.counts).toMatchObject({ accepted: 3, completed: 2, failed: 1, open: 0, lost: 0 });
  });

  it('finds an accepted job that left no trace', () => {
    const lost = openJob();
    const evidence = evidenceOf([completedJob()]);
    const notes = [...evidence.notes, acceptedNote(lost.jobId)];
    expect(violationsOf({ ...evidence, notes })).toEqual([`I3 accepted but lost: ${lost.jobId}`]);
  });

  it('distinguishes a job that is still in a queue from a lost one', () => {
    const waiting = openJob();
    const queues = [{ name: 'image.jobs.process', ready: 1, unacked: 0 }];
    expect(violationsOf(evidenceOf([waiting], { queues }))).toEqual([`I4 still open: ${waiting.jobId}`]);
  });

  it('does not count messages in the dead-letter queue as waiting jobs', () => {
    const lost = openJob();
    const queues = [{ name: 'image.jobs.dead', ready: 1, unacked: 0 }];
    expect(violationsOf(evidenceOf([lost], { queues }))).toEqual([`I3 accepted but lost: ${lost.jobId}`]);
  });

  it('finds a failed job without its dead letter, and a completed one with one', () => {
    const failed = failedJob();
    const completed = completedJob();
    const jobs = [
      { ...failed, dead: undefined },
      { ...completed, dead: failed.dead },
    ];
    expect(violationsOf(evidenceOf(jobs))).toEqual([
      `I1 failed without a dead letter: ${failed.jobId}`,
      `I1 completed, but has a dead letter: ${completed.jobId}`,
    ]);
  });

  it('finds a good image whose job failed', () => {
    const failed = failedJob();
    const evidence = evidenceOf([failed], { notes: [acceptedNote(failed.jobId, 'good.jpg')] });
    expect(violationsOf(evidence)).toEqual([
      `I1 ended differently than its image requires: ${failed.jobId} (good.jpg: failed)`,
    ]);
  });

  it.each([
    ['missing', () => []],
    ['1 bytes, recorded are 40000', (image) => [{ ...image, size: 1 }]],
    ['its SHA-256 is not the recorded one', (image) => [{ ...image, sha256: 'b'.repeat(64) }]],
    ['cannot be decoded: cut', (image) => [{ ...image, decoded: { error: 'cut' } }]],
    ['1×1, recorded are 800×450', (image) => [{ ...image, decoded: { width: 1, height: 1 } }]],
  ] satisfies [string, (image: ImageEvidence) => ImageEvidence[]][])(
    'finds a result that differs from its outcome: %s',
    (problem, damage) => {
      const complete = completedJob();
      const job = withImages(complete, (images) =>
        images.flatMap((image) => (image.key.startsWith('results/') ? damage(image) : [image])),
      );
      const key = complete.images[0]?.key ?? '';
      expect(violationsOf(evidenceOf([job]))).toEqual([`I2 damaged or missing: ${key}: ${problem}`]);
    },
  );

  it('finds an image that belongs to no outcome', () => {
    const key = 'results/x/attempt-of-a-loser.jpg';
    const job = withImages(completedJob(), (images) => [
      ...images,
      { key, size: 1, sha256: '', decoded: { width: 1, height: 1 } },
    ]);
    expect(violationsOf(evidenceOf([job]))).toEqual([`I3 image of a superseded attempt: ${key}`]);
  });

  it('allows one job that was not accepted for each upload with an unknown result', () => {
    const [one, other] = [completedJob(), completedJob()];
    const unknown = (upload: string): Note => ({
      kind: 'unknown',
      upload,
      at: 0,
      image: 'good.jpg',
      reason: 'ECONNRESET',
    });
    const evidence = evidenceOf([one, other]);
    expect(violationsOf({ ...evidence, notes: [unknown('a'), unknown('b')] })).toEqual([]);
    expect(violationsOf({ ...evidence, notes: [unknown('a'), unknown('a')] })).toEqual([
      `I3 ended, but not accepted by a response (1 uploads unresolved): ${other.jobId}`,
    ]);
    const accepted = acceptedNote(one.jobId);
    expect(violationsOf({ ...evidence, notes: [unknown(accepted.upload), accepted] })).toEqual([
      `I3 ended, but not accepted by a response (0 uploads unresolved): ${other.jobId}`,
    ]);
  });

  it('finds an end that was notified twice, or never', () => {
    const [twice, never] = [completedJob(), completedJob()];
    const endNotifications = new Map([[twice.jobId, 2]]);
    const report = checkEvidence(evidenceOf([twice, never], { endNotifications }));
    expect(report.violations).toEqual([
      { invariant: 'I3', what: 'end not notified exactly once', which: [twice.jobId, never.jobId] },
    ]);
    expect(report.counts['double outcomes']).toBe(1);
  });

  it('finds what is left over', () => {
    const queues = [{ name: 'image.jobs.process', ready: 0, unacked: 2 }];
    const left = { queues, temporaryFiles: ['half'], strays: ['decoder 7'], crashes: ['api: exit code 1'] };
    expect(violationsOf(evidenceOf([completedJob()], left))).toEqual([
      'I5 unacknowledged deliveries in: image.jobs.process (2)',
      'I5 temporary file: half',
      'I5 stray process: decoder 7',
      'I5 exited unexpectedly: api: exit code 1',
    ]);
  });
});

/** A job with all images of its outcome. */
function completedJob(): JobEvidence {
  const request = someRequest();
  const outcome = completedOutcome(request);
  const images = [imageOf(outcome.result), imageOf(outcome.thumbnail)];
  return { jobId: request.job_id, outcome, dead: undefined, images };
}

/** A failed job with its dead letter. */
function failedJob(): JobEvidence {
  const request = someRequest();
  const outcome = failedOutcome(request);
  const at = new Date().toISOString();
  return {
    jobId: request.job_id,
    outcome,
    images: [],
    dead: {
      version: 1,
      job_id: request.job_id,
      run: 1,
      attempts: 1,
      error: outcome.error,
      death: { reason: 'rejected', queue: 'image.jobs.process', at },
      name: 'corrupted.jpg',
      operations: ['resize'],
      submitted_at: at,
      dead_lettered_at: at,
      state: 'dead',
    },
  };
}

function openJob(): JobEvidence {
  return { jobId: someRequest().job_id, outcome: undefined, dead: undefined, images: [] };
}

/** Evidence of a settled system that accepted each of these jobs. */
function evidenceOf(jobs: readonly JobEvidence[], changes: Partial<Evidence> = {}): Evidence {
  return {
    notes: jobs.map(({ jobId, outcome }) =>
      acceptedNote(jobId, outcome?.state === 'failed' ? 'bad.jpg' : 'good.jpg'),
    ),
    expected: new Map([
      ['good.jpg', 'completed'],
      ['bad.jpg', 'failed'],
    ]),
    jobs,
    queues: [{ name: 'image.jobs.process', ready: 0, unacked: 0 }],
    endNotifications: new Map(jobs.flatMap(({ jobId, outcome }) => (outcome ? [[jobId, 1]] : []))),
    temporaryFiles: [],
    strays: [],
    crashes: [],
    ...changes,
  };
}

function acceptedNote(jobId: string, image = 'good.jpg'): Note {
  return { kind: 'accepted', upload: `upload of ${jobId}`, at: 0, image, jobId };
}

function imageOf({ key, size, sha256, width, height }: StoredImage): ImageEvidence {
  return { key, size, sha256, decoded: { width, height } };
}
