import { longBuckets, type MetricDefinitions } from './definition.ts';

/** The metrics of a worker. */
export const workerMetrics = {
  image_jobs_finished_total: {
    type: 'counter',
    help: 'Finished attempts, by result.',
    labels: ['result'],
    services: ['worker'],
  },
  image_job_stage_duration_seconds: {
    type: 'histogram',
    help: 'Duration of each stage of an attempt.',
    labels: ['stage'],
    buckets: longBuckets,
    services: ['worker'],
  },
  image_worker_slots: {
    type: 'gauge',
    help: 'Jobs that this worker can process at a time.',
    labels: [],
    services: ['worker'],
  },
  image_worker_busy_slots: {
    type: 'gauge',
    help: 'Jobs in progress on this worker.',
    labels: [],
    services: ['worker'],
  },
  image_worker_busy_seconds_total: {
    type: 'counter',
    help: 'Time spent on jobs, summed over all slots.',
    labels: [],
    services: ['worker'],
  },
} as const satisfies MetricDefinitions;
