import { longBuckets, shortBuckets, type MetricDefinitions } from './definition.ts';

/** What the monitoring service makes of events, and tells of itself. */
export const monitoringMetrics = {
  image_queue_head_age_seconds: {
    type: 'gauge',
    help: 'How long the oldest job of a queue has waited there, by events; 0 where none waits. Of the queue of jobs and of each retry rung.',
    labels: ['queue'],
    services: ['monitoring'],
  },
  image_jobs_accepted_total: {
    type: 'counter',
    help: 'Runs of jobs that were accepted. Kept over restarts, like all totals of monitoring.',
    labels: [],
    isKept: true,
    services: ['monitoring'],
  },
  image_jobs_completed_total: {
    type: 'counter',
    help: 'Runs of jobs that completed.',
    labels: [],
    isKept: true,
    services: ['monitoring'],
  },
  image_jobs_failed_total: {
    type: 'counter',
    help: 'Runs of jobs that failed, by error code.',
    labels: ['code'],
    isKept: true,
    services: ['monitoring'],
  },
  image_jobs_retried_total: {
    type: 'counter',
    help: 'Attempts that were followed by another one.',
    labels: [],
    isKept: true,
    services: ['monitoring'],
  },
  image_job_duration_seconds: {
    type: 'histogram',
    help: 'From acceptance to the result, of runs that completed.',
    labels: [],
    buckets: longBuckets,
    services: ['monitoring'],
  },
  image_jobs_open: {
    type: 'gauge',
    help: 'Runs that were accepted and have not ended, by events: queued, processing or retrying.',
    labels: ['state'],
    services: ['monitoring'],
  },
  image_jobs_unaccounted: {
    type: 'gauge',
    help: 'Accepted runs that have neither completed nor failed, and are in no queue either. 0 when all is well.',
    labels: [],
    services: ['monitoring'],
  },
  image_jobs_waiting_peak: {
    type: 'gauge',
    help: 'The most jobs that ever waited for a worker at once.',
    labels: [],
    services: ['monitoring'],
  },
  image_jobs_processing_peak: {
    type: 'gauge',
    help: 'The most jobs that were ever worked on at once.',
    labels: [],
    services: ['monitoring'],
  },
  image_workers: {
    type: 'gauge',
    help: 'Workers that consume jobs.',
    labels: [],
    services: ['monitoring'],
  },
  image_pipeline_slots: {
    type: 'gauge',
    help: 'Jobs that all workers together can work on at once.',
    labels: [],
    services: ['monitoring'],
  },
  image_pipeline_busy_slots: {
    type: 'gauge',
    help: 'Jobs that all workers together have in hand, by events.',
    labels: [],
    services: ['monitoring'],
  },
  image_monitoring_refreshes_total: {
    type: 'counter',
    help: 'Refreshes of the snapshot, by whether RabbitMQ could be looked at: ok or failed.',
    labels: ['result'],
    services: ['monitoring'],
  },
  image_monitoring_refresh_duration_seconds: {
    type: 'histogram',
    help: 'Time that a refresh of the snapshot took, waiting in line included.',
    labels: [],
    buckets: shortBuckets,
    services: ['monitoring'],
  },
  image_monitoring_last_look_timestamp_seconds: {
    type: 'gauge',
    help: 'When RabbitMQ was last looked at with success, in seconds since 1970.',
    labels: [],
    services: ['monitoring'],
  },
  image_monitoring_source_up: {
    type: 'gauge',
    help: '1 while a source of the figures answers: management, that is RabbitMQ, or events, that is the log of them read to its end.',
    labels: ['source'],
    services: ['monitoring'],
  },
  image_monitoring_interval_seconds: {
    type: 'gauge',
    help: 'From one refresh of the snapshot to the next.',
    labels: [],
    services: ['monitoring'],
  },
} as const satisfies MetricDefinitions;
