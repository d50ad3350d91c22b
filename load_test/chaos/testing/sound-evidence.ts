import type { StoredImage } from '@image-pipeline/shared/contracts/outcome.ts';
import { completedOutcome, failedOutcome, someRequest } from '../../../testing/job-life.ts';
import type { Evidence, ImageEvidence, JobEvidence } from '../evidence.ts';
import type { Note } from '../note.ts';

/** A job of which all is there, as its outcome says. */
export function completedJob(): JobEvidence {
  const request = someRequest();
  const outcome = completedOutcome(request);
  const images = [imageOf(outcome.result), imageOf(outcome.thumbnail)];
  return { jobId: request.job_id, outcome, dead: undefined, images };
}

/** A job that has failed and lies among the dead letters. */
export function failedJob(): JobEvidence {
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
      buried_at: at,
      state: 'dead',
    },
  };
}

export function openJob(): JobEvidence {
  return { jobId: someRequest().job_id, outcome: undefined, dead: undefined, images: [] };
}

/** Evidence of a system in which each of these jobs was accepted, and which is at rest. */
export function evidenceOf(jobs: readonly JobEvidence[], changes: Partial<Evidence> = {}): Evidence {
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
    toldEnds: new Map(jobs.flatMap(({ jobId, outcome }) => (outcome ? [[jobId, 1]] : []))),
    temporaryFiles: [],
    strays: [],
    crashes: [],
    ...changes,
  };
}

export function acceptedNote(jobId: string, image = 'good.jpg'): Note {
  return { kind: 'accepted', upload: `upload of ${jobId}`, at: 0, image, jobId };
}

function imageOf({ key, size, sha256, width, height }: StoredImage): ImageEvidence {
  return { key, size, sha256, decoded: { width, height } };
}
