import { occurrences, percentiles, type Dashboard } from './dashboard.ts';

const DEAD =
  'rabbitmq_queue_messages{job="monitoring", queue=~"image[.]jobs[.]dead|image[.]webhooks[.]dead"}';
const FAILED_5M = 'sum(rate(image_jobs_failed_total[5m]))';
const COMPLETED_5M = 'sum(rate(image_jobs_completed_total[5m]))';

/** Rates, errors and durations, as users notice them. */
export const pipeline: Dashboard = {
  uid: 'image-pipeline',
  title: 'Pipeline',
  description: 'Rates, errors and durations of uploads and jobs, as users notice them.',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Throughput',
          description:
            'Completed images per second. Grows with the number of workers while jobs are waiting.',
          unit: 'suffix:images/s',
          kind: 'stat',
          queries: [{ expr: 'sum(rate(image_jobs_completed_total[$__rate_interval]))', legend: 'done' }],
        },
        {
          title: 'Upload to result, p95',
          description: '95 % of the jobs that completed in the last 5 minutes took at most this long.',
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
          description: 'Accepted jobs that have not ended: waiting, in progress, or waiting for a retry.',
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: 'sum(image_jobs_open)', legend: 'jobs' }],
        },
        {
          title: 'Failed',
          description: 'Share of the jobs that ended in the last 5 minutes. Some broken images are normal.',
          unit: 'percentunit',
          kind: 'stat',
          queries: [
            {
              expr: `${FAILED_5M} / ((${FAILED_5M} + ${COMPLETED_5M}) > 0)`,
              // 0 if no job ended, a gap without data.
              otherwise: FAILED_5M,
              legend: 'failed',
            },
          ],
        },
        {
          title: 'Dead letters',
          description:
            'Failed jobs and undeliverable webhooks in the dead-letter queues. See GET /dlq/stats.',
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: `sum(${DEAD})`, legend: 'messages' }],
        },
        {
          title: 'Alerts firing',
          description: 'From the rules in monitoring/prometheus/alerts.yml. docs/runbook.md says what to do.',
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
          description: 'Accepted, completed and failed. If more come in than go out, the queue grows.',
          unit: 'suffix:jobs/s',
          queries: [
            { expr: 'sum(rate(image_jobs_accepted_total[$__rate_interval]))', legend: 'accepted' },
            { expr: 'sum(rate(image_jobs_completed_total[$__rate_interval]))', legend: 'completed' },
            { expr: 'sum(rate(image_jobs_failed_total[$__rate_interval]))', legend: 'failed' },
          ],
        },
        {
          title: 'Jobs in the system',
          description: 'Jobs that have not ended, by state.',
          unit: 'short',
          queries: [{ expr: 'sum by (state) (image_jobs_open)', legend: '{{state}}' }],
        },
        {
          title: 'Uploads',
          description: 'Files that the API accepted (202) and rejected.',
          unit: 'suffix:files/s',
          queries: [
            { expr: 'sum(rate(image_uploads_accepted_total[$__rate_interval]))', legend: 'accepted' },
            { expr: 'sum(rate(image_uploads_refused_total[$__rate_interval]))', legend: 'rejected' },
          ],
        },
        {
          title: 'HTTP requests',
          description: 'Responses of the API, by status.',
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
          description: 'Messages sent over WebSockets, by type.',
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
          description: 'Webhooks consumed from their queue, by result.',
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
            'Jobs that failed permanently, by error code. undecodable_image: the uploaded file is broken.',
          unit: 'short',
          kind: 'bars',
          queries: [occurrences('image_jobs_failed_total', 'code')],
        },
        {
          title: 'Rejected uploads by reason',
          description:
            'Files that were rejected, by error code. queue_full: jobs arrive faster than they are processed.',
          unit: 'short',
          kind: 'bars',
          queries: [occurrences('image_uploads_refused_total', 'code')],
        },
        {
          title: 'Server errors of the API',
          description: 'Responses with status 5xx. Normally 0; a gap means that the API is down.',
          unit: 'reqps',
          queries: [{ expr: 'sum(rate(image_http_server_errors_total[$__rate_interval]))', legend: '5xx' }],
        },
        {
          title: 'Retried attempts',
          description: 'Attempts that were followed by another one, for example after a time-out or a crash.',
          unit: 'suffix:attempts/s',
          queries: [{ expr: 'sum(rate(image_jobs_retried_total[$__rate_interval]))', legend: 'retried' }],
        },
        {
          title: 'Dead letters by queue',
          description: 'Messages in the dead-letter queues. They stay until they are replayed or removed.',
          unit: 'short',
          queries: [{ expr: DEAD, legend: '{{queue}}' }],
        },
        {
          title: 'Unaccounted jobs',
          description:
            'Accepted jobs that are neither completed, failed nor open. Always 0 unless a job is lost.',
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
          description: 'Time from acceptance to the result of completed jobs, including waiting.',
          unit: 's',
          queries: percentiles('image_job_duration_seconds'),
        },
        {
          title: 'Where the time goes',
          description: 'Mean time of each stage of an attempt. More workers only shorten wait.',
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
          title: 'HTTP responses, p95',
          description: 'Time to the end of the response, by route. A status with ?wait=20 may take 20 s.',
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
          description: 'Time from an event of a job to its message on a WebSocket.',
          unit: 's',
          queries: percentiles('image_notification_delay_seconds'),
        },
        {
          title: 'Webhook receivers',
          description: 'Response time of receivers, including the DNS lookup.',
          unit: 's',
          queries: percentiles('image_webhook_duration_seconds'),
        },
      ],
    },
  ],
};
