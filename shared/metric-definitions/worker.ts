import { longBuckets, type MetricDefinitions } from './definition.ts';

/** What a worker tells of itself. */
export const workerMetrics = {
  image_jobs_finished_total: {
    type: 'counter',
    help: 'Attempts that ended, by what they ended in.',
    labels: ['result'],
    services: ['worker'],
  },
  image_job_stage_duration_seconds: {
    type: 'histogram',
    help: 'Where the time of an attempt goes.',
    labels: ['stage'],
    buckets: longBuckets,
    services: ['worker'],
  },
  image_worker_slots: {
    type: 'gauge',
    help: 'Jobs this worker can work on at once.',
    labels: [],
    services: ['worker'],
  },
  image_worker_busy_slots: {
    type: 'gauge',
    help: 'Jobs this worker has in hand.',
    labels: [],
    services: ['worker'],
  },
  image_worker_busy_seconds_total: {
    type: 'counter',
    help: 'Time spent on jobs, summed over slots.',
    labels: [],
    services: ['worker'],
  },
} as const satisfies MetricDefinitions;
