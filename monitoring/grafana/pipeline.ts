import { occurrences, percentiles, type Dashboard } from './dashboard.ts';

const DEAD =
  'rabbitmq_queue_messages{job="monitoring", queue=~"image[.]jobs[.]dead|image[.]webhooks[.]dead"}';
const FAILED_5M = 'sum(rate(image_jobs_failed_total[5m]))';
const COMPLETED_5M = 'sum(rate(image_jobs_completed_total[5m]))';

/** What users notice: rates, errors, durations. */
export const pipeline: Dashboard = {
  uid: 'image-pipeline',
  title: 'Pipeline',
  description: 'What users of the image pipeline notice: how much, how often it fails, how long it takes.',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Throughput',
          description: 'Images done a second. It grows with the number of workers while jobs wait.',
          unit: 'suffix:images/s',
          kind: 'stat',
          queries: [{ expr: 'sum(rate(image_jobs_completed_total[$__rate_interval]))', legend: 'done' }],
        },
        {
          title: 'Upload to result, p95',
          description: '95 of 100 jobs that completed in the last 5 minutes took no longer than this.',
          unit: 's',
          kind: 'stat',
          queries: [
            {
              expr: 'histogram_quantile(0.95, sum by (le) (rate(image_job_duration_seconds_bucket[5m])))',
              legend: 'p95',
            },
          ],
        },
        {
          title: 'In the system',
          description:
            'Jobs that were accepted and have not ended: waiting, in work, or waiting to be retried.',
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: 'sum(image_jobs_open)', legend: 'jobs' }],
        },
        {
          title: 'Failed',
          description: 'Share of the jobs that ended in the last 5 minutes. Broken images are part of life.',
          unit: 'percentunit',
          kind: 'stat',
          queries: [
            {
              expr: `${FAILED_5M} / ((${FAILED_5M} + ${COMPLETED_5M}) > 0)`,
              // 0 where no job ended, a gap where nobody counts.
              otherwise: FAILED_5M,
              legend: 'failed',
            },
          ],
        },
        {
          title: 'Dead letters',
          description: 'Failed jobs and undeliverable webhooks that wait for somebody. See GET /dlq/stats.',
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: `sum(${DEAD})`, legend: 'messages' }],
        },
        {
          title: 'Alerts firing',
          description: 'By the rules of monitoring/prometheus/alerts.yml; docs/runbook.md says what to do.',
          unit: 'short',
          kind: 'stat',
          redFrom: 1,
          queries: [{ expr: 'count(ALERTS{alertstate="firing"})', otherwise: 'vector(0)', legend: 'alerts' }],
        },
      ],
    },
    {
      title: 'Rates',
      panels: [
        {
          title: 'Jobs in and out',
          description: 'Accepted, completed and failed. Where more come in than go out, a queue grows.',
          unit: 'suffix:jobs/s',
          queries: [
            { expr: 'sum(rate(image_jobs_accepted_total[$__rate_interval]))', legend: 'accepted' },
            { expr: 'sum(rate(image_jobs_completed_total[$__rate_interval]))', legend: 'completed' },
            { expr: 'sum(rate(image_jobs_failed_total[$__rate_interval]))', legend: 'failed' },
          ],
        },
        {
          title: 'Jobs in the system',
          description: 'Jobs that have not ended, by what they are doing.',
          unit: 'short',
          queries: [{ expr: 'sum by (state) (image_jobs_open)', legend: '{{state}}' }],
        },
        {
          title: 'Uploads',
          description: 'Files that the API accepted (202) and refused.',
          unit: 'suffix:files/s',
          queries: [
            { expr: 'sum(rate(image_uploads_accepted_total[$__rate_interval]))', legend: 'accepted' },
            { expr: 'sum(rate(image_uploads_refused_total[$__rate_interval]))', legend: 'refused' },
          ],
        },
        {
          title: 'HTTP requests',
          description: 'Requests that the API answered, by status.',
          unit: 'reqps',
          queries: [
            {
              expr: 'sum by (status) (rate(image_http_requests_total[$__rate_interval]))',
              legend: '{{status}}',
            },
          ],
        },
        {
          title: 'Messages to subscribers',
          description: 'What was sent over WebSockets, by type.',
          unit: 'suffix:messages/s',
          queries: [
            {
              expr: 'sum by (type) (rate(image_websocket_messages_total[$__rate_interval]))',
              legend: '{{type}}',
            },
          ],
        },
        {
          title: 'Webhooks',
          description: 'Webhooks taken from their queue, by what became of them.',
          unit: 'suffix:webhooks/s',
          queries: [
            {
              expr: 'sum by (state) (rate(image_webhook_deliveries_total[$__rate_interval]))',
              legend: '{{state}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Errors',
      panels: [
        {
          title: 'Failed jobs by reason',
          description:
            'How many jobs failed for good, by error code. undecodable_image is the uploader’s own.',
          unit: 'short',
          kind: 'bars',
          queries: [occurrences('image_jobs_failed_total', 'code')],
        },
        {
          title: 'Refused uploads by reason',
          description:
            'How many files were refused, by error code. queue_full: jobs come faster than they go.',
          unit: 'short',
          kind: 'bars',
          queries: [occurrences('image_uploads_refused_total', 'code')],
        },
        {
          title: 'Server errors of the API',
          description:
            'Answers with 5xx: what the API could not promise, or did not manage. 0 when all is well, a gap without API.',
          unit: 'reqps',
          queries: [{ expr: 'sum(rate(image_http_server_errors_total[$__rate_interval]))', legend: '5xx' }],
        },
        {
          title: 'Retried attempts',
          description: 'Attempts that were followed by another one: time-outs, processes that died.',
          unit: 'suffix:attempts/s',
          queries: [{ expr: 'sum(rate(image_jobs_retried_total[$__rate_interval]))', legend: 'retried' }],
        },
        {
          title: 'Dead letters by queue',
          description:
            'Messages in the dead letter queues. They stay until somebody replays or removes them.',
          unit: 'short',
          queries: [{ expr: DEAD, legend: '{{queue}}' }],
        },
        {
          title: 'Unaccounted jobs',
          description:
            'Accepted jobs that are neither completed nor failed nor open. Always 0: nothing is lost.',
          unit: 'short',
          redFrom: 1,
          queries: [{ expr: 'image_jobs_unaccounted', legend: 'unaccounted' }],
        },
      ],
    },
    {
      title: 'Durations',
      panels: [
        {
          title: 'Upload to result',
          description: 'From acceptance to the result, of jobs that completed; waiting is part of it.',
          unit: 's',
          queries: percentiles('image_job_duration_seconds'),
        },
        {
          title: 'Where the time goes',
          description: 'Mean time of each stage of an attempt. More workers shorten wait, and nothing else.',
          unit: 's',
          queries: [
            {
              expr:
                'sum by (stage) (rate(image_job_stage_duration_seconds_sum[$__rate_interval]))' +
                ' / sum by (stage) (rate(image_job_stage_duration_seconds_count[$__rate_interval]))',
              legend: '{{stage}}',
            },
          ],
        },
        {
          title: 'Oldest waiting job',
          description: 'How long the job at the head of the queue has waited for a worker.',
          unit: 's',
          queries: [{ expr: 'image_queue_head_age_seconds', legend: '{{queue}}' }],
        },
        {
          title: 'HTTP answers, p95',
          description: 'Time to the end of the answer, by route. A status with ?wait=20 may take that long.',
          unit: 's',
          queries: [
            {
              expr:
                'histogram_quantile(0.95, sum by (le, route) (rate(image_http_request_duration_seconds_bucket' +
                '{route!~"/metrics|/livez|/readyz"}[$__rate_interval])))',
              legend: '{{route}}',
            },
          ],
        },
        {
          title: 'Event to subscriber',
          description: 'From what happened to a job to its being sent over a WebSocket.',
          unit: 's',
          queries: percentiles('image_notification_delay_seconds'),
        },
        {
          title: 'Receivers of webhooks',
          description: 'Time that a receiver took to answer, resolving its name included.',
          unit: 's',
          queries: percentiles('image_webhook_duration_seconds'),
        },
      ],
    },
  ],
};
