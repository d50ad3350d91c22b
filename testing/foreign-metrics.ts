/**
 * Metrics that dashboards and alerts use besides our own (shared/metric-definitions.ts), by the job in prometheus.yml that
 * exposes them. All of them exist in RabbitMQ 3.10 and in 4.x.
 */
export const foreignMetrics = {
  /** From Prometheus itself. */
  prometheus: ['up', 'ALERTS'],
  /** From prom-client, in each service. */
  node: ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds'],
  rabbitmq: [
    'rabbitmq_alarms_free_disk_space_watermark',
    'rabbitmq_alarms_memory_used_watermark',
    'rabbitmq_channels',
    'rabbitmq_connections',
    'rabbitmq_connections_closed_total',
    'rabbitmq_connections_opened_total',
    'rabbitmq_consumers',
    'rabbitmq_disk_space_available_bytes',
    'rabbitmq_disk_space_available_limit_bytes',
    'rabbitmq_erlang_processes_limit',
    'rabbitmq_erlang_processes_used',
    'rabbitmq_erlang_scheduler_run_queue',
    'rabbitmq_global_messages_acknowledged_total',
    'rabbitmq_global_messages_confirmed_total',
    'rabbitmq_global_messages_dead_lettered_delivery_limit_total',
    'rabbitmq_global_messages_dead_lettered_expired_total',
    'rabbitmq_global_messages_dead_lettered_rejected_total',
    'rabbitmq_global_messages_delivered_total',
    'rabbitmq_global_messages_received_total',
    'rabbitmq_global_messages_redelivered_total',
    'rabbitmq_global_messages_unroutable_returned_total',
    'rabbitmq_process_max_fds',
    'rabbitmq_process_open_fds',
    'rabbitmq_process_resident_memory_bytes',
    'rabbitmq_queue_messages',
    'rabbitmq_queues',
    'rabbitmq_resident_memory_limit_bytes',
  ],
  'rabbitmq-queues': [
    'rabbitmq_detailed_queue_consumers',
    'rabbitmq_detailed_queue_messages_ready',
    'rabbitmq_detailed_queue_messages_unacked',
  ],
} as const;
