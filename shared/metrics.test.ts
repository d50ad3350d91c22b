import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';

test('a counter with known label values starts at 0', async () => {
  const text = await createMetrics('worker').render();
  expect(text).toContain('image_jobs_finished_total{result="failed"} 0');
  expect(text).toContain('image_worker_busy_seconds_total 0');
});

test('a cleared gauge is not exposed, with labels or without', async () => {
  const metrics = createMetrics('monitoring');
  metrics.set('rabbitmq_alarms_memory_used_watermark', 1);
  metrics.set('rabbitmq_queue_messages', 3, { queue: 'image.jobs.process' });
  metrics.clear('rabbitmq_alarms_memory_used_watermark');
  metrics.clear('rabbitmq_queue_messages');
  const text = await metrics.render();
  expect(text).not.toMatch(/^rabbitmq_alarms_memory_used_watermark /m);
  expect(text).not.toMatch(/^rabbitmq_queue_messages\{/m);
  metrics.set('rabbitmq_alarms_memory_used_watermark', 0);
  expect(await metrics.render()).toMatch(/^rabbitmq_alarms_memory_used_watermark 0$/m);
});

test('a gauge is not exposed until it is set', async () => {
  const metrics = createMetrics('monitoring');
  const before = await metrics.render();
  for (const name of ['image_jobs_unaccounted', 'image_monitoring_last_sample_timestamp_seconds'] as const)
    expect(before).not.toMatch(new RegExp(`^${name} `, 'm'));
  metrics.set('image_jobs_unaccounted', 0);
  expect(await metrics.render()).toMatch(/^image_jobs_unaccounted 0$/m);
});

test('a counter that continues across restarts starts with the known value, not with 0', async () => {
  const metrics = createMetrics('monitoring');
  expect(await metrics.render()).not.toMatch(/^image_jobs_(accepted|completed|failed|retried)_total\b/m);
  metrics.increase('image_jobs_completed_total', {}, 41);
  metrics.increase('image_jobs_failed_total', { code: 'undecodable_image' }, 0);
  const text = await metrics.render();
  expect(text).toMatch(/^image_jobs_completed_total 41$/m);
  expect(text).toMatch(/^image_jobs_failed_total\{code="undecodable_image"\} 0$/m);
});

test.each([
  // GET /status/{id}?wait=60 may be held for so long.
  ['api', 'image_http_request_duration_seconds', { method: 'GET', route: '/status/{id}' }],
  // Subscribers are notified late of what happened while the service was down.
  ['notification', 'image_notification_delay_seconds', {}],
] as const)('%s measures durations of up to a minute in %s', async (service, name, labels) => {
  const metrics = createMetrics(service);
  metrics.observe(name, 45, labels);
  const text = await metrics.render();
  expect(text).toMatch(new RegExp(`^${name}_bucket\\{le="30".*\\} 0$`, 'm'));
  expect(text).toMatch(new RegExp(`^${name}_bucket\\{le="60".*\\} 1$`, 'm'));
});

test('a service has only its own metrics', () => {
  const metrics = createMetrics('worker');
  expect(() => metrics.increase('image_jobs_accepted_total')).toThrow('worker has no metric');
});
