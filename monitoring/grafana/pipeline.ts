import { bars, lines, occurrences, percentiles, rate, stat, type Dashboard } from './dashboard.ts';

const DEAD =
  'rabbitmq_queue_messages{job="monitoring", queue=~"image[.]jobs[.]dead|image[.]webhooks[.]dead"}';
const FAILED_5M = 'sum(rate(image_jobs_failed_total[5m]))';
const COMPLETED_5M = 'sum(rate(image_jobs_completed_total[5m]))';
const ROUTES = '{route!~"/metrics|/livez|/readyz"}';

/** Rates, errors and durations, as users notice them. */
export const pipeline: Dashboard = {
  uid: 'image-pipeline',
  title: 'Pipeline',
  description: 'Rates, errors and durations of uploads and jobs, as users notice them.',
  rows: {
    Now: [
      stat(
        'Throughput',
        'suffix:images/s',
        'Completed images per second. Grows with the number of workers while jobs are waiting.',
        { done: rate('image_jobs_completed_total') },
      ),
      stat(
        'Upload to result, p95',
        's',
        '95 % of the jobs that completed in the last 5 minutes took at most this long.',
        { p95: 'histogram_quantile(0.95, sum by (le) (rate(image_job_duration_seconds_bucket[5m])))' },
      ),
      stat(
        'In the system',
        'short',
        'Accepted jobs that have not ended: waiting, in progress, or waiting for a retry.',
        { jobs: 'sum(image_jobs_open)' },
      ),
      stat(
        'Failed',
        'percentunit',
        'Share of the jobs that ended in the last 5 minutes. Some broken images are normal.',
        // 0 if no job ended, a gap without data.
        { failed: [`${FAILED_5M} / ((${FAILED_5M} + ${COMPLETED_5M}) > 0)`, FAILED_5M] },
      ),
      stat(
        'Dead letters',
        'short',
        'Failed jobs and undeliverable webhooks in the dead-letter queues. See GET /dlq/stats.',
        { messages: `sum(${DEAD})` },
      ),
      stat(
        'Alerts firing',
        'short',
        'From the rules in monitoring/prometheus/alerts.yml. docs/runbook.md says what to do.',
        { alerts: ['count(ALERTS{alertstate="firing"})', 'vector(0)'] },
        { redFrom: 1 },
      ),
    ],
    Rates: [
      lines(
        'Jobs in and out',
        'suffix:jobs/s',
        'Accepted, completed and failed. If more come in than go out, the queue grows.',
        {
          accepted: rate('image_jobs_accepted_total'),
          completed: rate('image_jobs_completed_total'),
          failed: rate('image_jobs_failed_total'),
        },
      ),
      lines('Jobs in the system', 'short', 'Jobs that have not ended, by state.', {
        '{{state}}': 'sum by (state) (image_jobs_open)',
      }),
      lines('Uploads', 'suffix:files/s', 'Files that the API accepted (202) and rejected.', {
        accepted: rate('image_uploads_accepted_total'),
        rejected: rate('image_uploads_refused_total'),
      }),
      lines('HTTP requests', 'reqps', 'Responses of the API, by status.', {
        '{{status}}': rate('image_http_requests_total', 'status'),
      }),
      lines('Messages to subscribers', 'suffix:messages/s', 'Messages sent over WebSockets, by type.', {
        '{{type}}': rate('image_websocket_messages_total', 'type'),
      }),
      lines('Webhooks', 'suffix:webhooks/s', 'Webhooks consumed from their queue, by result.', {
        '{{state}}': rate('image_webhook_deliveries_total', 'state'),
      }),
    ],
    Errors: [
      bars(
        'Failed jobs by reason',
        'Jobs that failed permanently, by error code. undecodable_image: the uploaded file is broken.',
        occurrences('image_jobs_failed_total', 'code'),
      ),
      bars(
        'Rejected uploads by reason',
        'Files that were rejected, by error code. queue_full: jobs arrive faster than they are processed.',
        occurrences('image_uploads_refused_total', 'code'),
      ),
      lines(
        'Server errors of the API',
        'reqps',
        'Responses with status 5xx. Normally 0; a gap means that the API is down.',
        { '5xx': rate('image_http_server_errors_total') },
      ),
      lines(
        'Retried and redelivered attempts',
        'suffix:attempts/s',
        'Retried: followed by another attempt, for example after a timeout. Redelivered: the worker did not finish it.',
        { retried: rate('image_jobs_retried_total'), redelivered: rate('image_jobs_redelivered_total') },
      ),
      lines(
        'Dead letters by queue',
        'short',
        'Messages in the dead-letter queues. They stay until they are replayed or removed.',
        { '{{queue}}': DEAD },
      ),
      lines(
        'Unaccounted jobs',
        'short',
        'Accepted jobs that are neither completed, failed nor open. Always 0 unless a job is lost.',
        { unaccounted: 'image_jobs_unaccounted' },
        { redFrom: 1 },
      ),
    ],
    Durations: [
      lines(
        'Upload to result',
        's',
        'Time from acceptance to the result of completed jobs, including waiting.',
        percentiles('image_job_duration_seconds'),
      ),
      lines(
        'Where the time goes',
        's',
        'Mean time of each stage of an attempt. More workers only shorten wait.',
        {
          '{{stage}}': `${rate('image_job_stage_duration_seconds_sum', 'stage')} / ${rate('image_job_stage_duration_seconds_count', 'stage')}`,
        },
      ),
      lines('Oldest waiting job', 's', 'How long the job at the head of the queue has waited for a worker.', {
        '{{queue}}': 'image_queue_head_age_seconds',
      }),
      lines(
        'HTTP responses, p95',
        's',
        'Time to the end of the response, by route. A status with ?wait=20 may take 20 s.',
        {
          '{{route}}': `histogram_quantile(0.95, ${rate(`image_http_request_duration_seconds_bucket${ROUTES}`, 'le, route')})`,
        },
      ),
      lines(
        'Event to subscriber',
        's',
        'Time from an event of a job to its message on a WebSocket.',
        percentiles('image_notification_delay_seconds'),
      ),
      lines(
        'Webhook receivers',
        's',
        'Response time of receivers, including the DNS lookup.',
        percentiles('image_webhook_duration_seconds'),
      ),
    ],
  },
};
