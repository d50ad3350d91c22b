import { longBuckets, shortBuckets, type MetricDefinitions } from './definition.ts';

/** The metrics of the monitoring service: of jobs, from events, and of itself. */
export const monitoringMetrics = {
  image_queue_head_age_seconds: {
    type: 'gauge',
    help: 'Waiting time of the oldest job of the job queue and of each retry queue, from events; 0 if none is waiting.',
    labels: ['queue'],
    services: ['monitoring'],
  },
  image_jobs_accepted_total: {
    type: 'counter',
    help: 'Accepted runs of jobs. Kept across restarts, like all totals of monitoring.',
    labels: [],
    isKept: true,
    services: ['monitoring'],
  },
  image_jobs_completed_total: {
    type: 'counter',
    help: 'Completed runs of jobs.',
    labels: [],
    isKept: true,
    services: ['monitoring'],
  },
  image_jobs_failed_total: {
    type: 'counter',
    help: 'Failed runs of jobs, by error code.',
    labels: ['code'],
    isKept: true,
    services: ['monitoring'],
  },
  image_jobs_retried_total: {
    type: 'counter',
    help: 'Attempts that were retried.',
    labels: [],
    isKept: true,
    services: ['monitoring'],
  },
  image_job_duration_seconds: {
    type: 'histogram',
    help: 'Time from acceptance to the result of completed runs.',
    labels: [],
    buckets: longBuckets,
    services: ['monitoring'],
  },
  image_jobs_open: {
    type: 'gauge',
    help: 'Unfinished runs: queued (the length of the job queue), processing or retrying (from events).',
    labels: ['state'],
    services: ['monitoring'],
  },
  image_jobs_unaccounted: {
    type: 'gauge',
    help: 'Unfinished runs that are in no queue. Always 0 in a healthy system.',
    labels: [],
    services: ['monitoring'],
  },
  image_jobs_waiting_peak: {
    type: 'gauge',
    help: 'Maximum length of the job queue at a refresh.',
    labels: [],
    services: ['monitoring'],
  },
  image_jobs_processing_peak: {
    type: 'gauge',
    help: 'Maximum number of jobs in progress.',
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
    help: 'Jobs that all workers together can process at a time.',
    labels: [],
    services: ['monitoring'],
  },
  image_pipeline_busy_slots: {
    type: 'gauge',
    help: 'Jobs in progress on all workers, from events.',
    labels: [],
    services: ['monitoring'],
  },
  image_monitoring_refreshes_total: {
    type: 'counter',
    help: 'Refreshes of the snapshot, by result of the sample of RabbitMQ: ok or failed.',
    labels: ['result'],
    services: ['monitoring'],
  },
  image_monitoring_refresh_duration_seconds: {
    type: 'histogram',
    help: 'Duration of a refresh of the snapshot, including waiting.',
    labels: [],
    buckets: shortBuckets,
    services: ['monitoring'],
  },
  image_monitoring_last_sample_timestamp_seconds: {
    type: 'gauge',
    help: 'Time of the last successful sample of RabbitMQ, in seconds since 1970.',
    labels: [],
    services: ['monitoring'],
  },
  image_monitoring_source_up: {
    type: 'gauge',
    help: '1 while a data source is available: management (RabbitMQ) or events (the event log, read to its end).',
    labels: ['source'],
    services: ['monitoring'],
  },
  image_monitoring_interval_seconds: {
    type: 'gauge',
    help: 'Interval of refreshes of the snapshot.',
    labels: [],
    services: ['monitoring'],
  },
} as const satisfies MetricDefinitions;
