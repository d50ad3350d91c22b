import { deadLetterListExample } from '../openapi/examples.ts';

const replayId = '01980a3e-7c1b-7d9a-8f00-3c2b1a0f9e8e';
const jobId = '01980a3e-7c1b-7d9a-8f00-3c2b1a0f9e8d';

/** What can be asked for; a test reads each of them. Swagger UI sends the first one unless it is changed: a dry run. */
export const replayBodyExamples = {
  'what would be replayed': { all: true, dry_run: true },
  'one job': { ids: [jobId] },
  'those that took too long, ten at most': { filter: { reason: 'deadline_exceeded' }, limit: 10 },
  'resizes of yesterday and before': { filter: { operation: 'resize', older_than_seconds: 86_400 } },
};

export const replayPreviewExample = {
  dry_run: true,
  matching: 1,
  total: 1,
  jobs: deadLetterListExample.messages,
};

export const replayBegunExample = {
  replay_id: replayId,
  status_url: `/dlq/replays/${replayId}`,
  matching: 2,
  total: 2,
};

export const replayStatusExample = {
  replay_id: replayId,
  state: 'stopped',
  total: 2,
  replayed: 1,
  completed: 0,
  failed: 1,
  skipped: 0,
  remaining: 1,
  reason: `job ${jobId} failed again in run 2 (undecodable_image)`,
  started_at: '2026-03-02T10:20:00.000Z',
  finished_at: '2026-03-02T10:20:00.412Z',
  jobs: [
    { job_id: jobId, run: 2, state: 'failed', status_url: `/status/${jobId}` },
    {
      job_id: '01980a3e-9f00-7000-8a11-1b2c3d4e5f60',
      run: 2,
      state: 'waiting',
      status_url: '/status/01980a3e-9f00-7000-8a11-1b2c3d4e5f60',
    },
  ],
};
