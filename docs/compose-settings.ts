/** What docker-compose.yml decides itself, and how: a setting of `.env` changes nothing there. */
export const decidedByCompose: Readonly<Record<string, string>> = {
  RABBITMQ_URL: 'made of RABBITMQ_USER and RABBITMQ_PASSWORD',
  RABBITMQ_MANAGEMENT_URL: 'always the container of RabbitMQ',
  RABBITMQ_MANAGEMENT_USER: 'RABBITMQ_MONITORING_USER',
  RABBITMQ_MANAGEMENT_PASSWORD: 'RABBITMQ_MONITORING_PASSWORD',
  STORE: 'always minio: containers share no folder',
  STORE_FOLDER: 'there is none: containers share no folder',
  MONITORING_URL: 'always the container of monitoring',
  API_HOST: 'always 0.0.0.0; Docker opens the port to this machine only',
  WORKER_HOST: 'always 0.0.0.0; the port is not published',
  NOTIFICATION_HOST: 'always 0.0.0.0; Docker opens the port to this machine only',
  MONITORING_HOST: 'always 0.0.0.0; Docker opens the port to this machine only',
  API_PORT: 'the port of this machine; within the container always 8000',
  WORKER_PORT: 'always 9100, within the container',
  NOTIFICATION_PORT: 'the port of this machine; within the container always 8001',
  MONITORING_PORT: 'the port of this machine; within the container always 8002',
  WORKER_NAME: 'made of host name and process id: several containers share their settings',
  NOTIFICATION_NAME: 'made of host name and process id: several containers share their settings',
  MONITORING_NAME: 'made of host name and process id: several containers share their settings',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'only with docker-compose.tracing.yml, whose images can record',
  OTEL_TRACES_SAMPLER_ARG: 'only with docker-compose.tracing.yml, whose images can record',
};

/** Defaults of docker-compose.yml that are not the services' own. */
export const composeDefaults: Readonly<Record<string, string>> = {
  MINIO_ENDPOINT: 'http://minio:9000',
  PUBLIC_API_URL: 'http://localhost:8000',
  PUBLIC_NOTIFICATION_URL: 'ws://localhost:8001',
  MAX_CONCURRENT_JOBS: '2',
  JOB_MEMORY_MIB: '768',
};
