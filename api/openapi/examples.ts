import type { JobListAnswer } from '../jobs/job-list-response.ts';
import type { QueueStatsAnswer } from '../thumbnails/queue-stats-response.ts';
import type { StatusAnswer } from '../jobs/status-response.ts';
import type { AcceptedJob } from '../upload/upload-response.ts';

/** Answers as they look; a test holds them against the schemas. */
const jobId = '01980a3e-7c1b-7d9a-8f00-3c2b1a0f9e8d';

export const acceptedExample: AcceptedJob = {
  job_id: jobId,
  status: 'queued',
  status_url: `/status/${jobId}`,
  result_url: `/results/${jobId}`,
  events_url: `ws://localhost:8001/ws?job_id=${jobId}`,
};

export const statusExample: StatusAnswer = {
  job_id: jobId,
  status: 'completed',
  run: 1,
  attempt: 1,
  submitted_at: '2026-03-02T10:15:30.123Z',
  updated_at: '2026-03-02T10:15:30.681Z',
  original: { name: 'sample.jpg', size: 482_113, content_type: 'image/jpeg', url: `/originals/${jobId}` },
  operations: [
    { type: 'resize', width: 800, height: 600, fit: 'contain', enlarge: false },
    { type: 'watermark', text: 'image pipeline', position: 'bottom-right', opacity: 0.5, size: 0.06 },
  ],
  output: { format: null, quality: 85 },
  timeline: [
    { state: 'queued', at: '2026-03-02T10:15:30.123Z', run: 1, attempt: 1 },
    { state: 'processing', at: '2026-03-02T10:15:30.131Z', run: 1, attempt: 1, worker: 'worker-1' },
    { state: 'completed', at: '2026-03-02T10:15:30.681Z', run: 1, attempt: 1, worker: 'worker-1' },
  ],
  result: {
    url: `/results/${jobId}`,
    content_type: 'image/jpeg',
    size: 61_204,
    width: 800,
    height: 450,
    sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  },
  source: { width: 1920, height: 1080 },
  thumbnail_url: `/thumbnail/${jobId}`,
  timings: { wait_ms: 8, fetch_ms: 3, process_ms: 521, store_ms: 21 },
  callback: {
    url: 'https://example.org/hooks/images',
    deliveries: [
      {
        event: 'job.completed',
        run: 1,
        attempt: 1,
        at: '2026-03-02T10:15:30.702Z',
        state: 'retrying',
        status: 503,
        error: {
          code: 'not_accepted',
          reason: 'The receiver answered with a status other than 2xx. It was 503.',
        },
        next_attempt_at: '2026-03-02T10:15:34.511Z',
      },
      {
        event: 'job.completed',
        run: 1,
        attempt: 2,
        at: '2026-03-02T10:15:34.874Z',
        state: 'delivered',
        status: 200,
      },
    ],
  },
  runs: [],
};

export const jobListExample: JobListAnswer = {
  jobs: [
    {
      job_id: jobId,
      status: 'completed',
      run: 1,
      attempt: 1,
      submitted_at: statusExample.submitted_at,
      updated_at: statusExample.updated_at,
      name: 'sample.jpg',
      status_url: `/status/${jobId}`,
      result_url: `/results/${jobId}`,
    },
  ],
  next_cursor: null,
};

export const queueStatsExample: QueueStatsAnswer = {
  queue: {
    max_concurrent: 3,
    min_interval: 0.1,
    active_requests: 2,
    waiting_requests: 1,
    total_requests: 145,
    avg_wait_time: 2.34,
  },
  cache: { thumbnail_count: 45, thumbnail_ttl: 120 },
};

export const deadLetterStatsExample = {
  count: 2,
  by_reason: { undecodable_image: 2 },
  by_operation: { resize: 2, watermark: 2 },
  oldest_age_seconds: 86.4,
};

export const deadLetterListExample = {
  messages: [
    {
      job_id: '01980a3e-7c1b-7d9a-8f00-3c2b1a0f9e8d',
      run: 1,
      attempts: 1,
      error: {
        code: 'undecodable_image',
        reason: 'The image cannot be decoded: the JPEG ends before its end marker.',
      },
      death: { reason: 'rejected', queue: 'image.jobs.process', at: '2026-01-02T03:04:06.000Z' },
      name: 'corrupted.jpg',
      operations: ['resize', 'watermark'],
      submitted_at: '2026-01-02T03:04:05.678Z',
      buried_at: '2026-01-02T03:04:06.123Z',
      status_url: '/status/01980a3e-7c1b-7d9a-8f00-3c2b1a0f9e8d',
    },
  ],
  next_cursor: null,
};
