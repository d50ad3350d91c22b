/** Settings that docker-compose.yml sets itself, whatever `.env` says, with the source of the value if it is not obvious. */
export const decidedByCompose: Readonly<Record<string, string>> = {
  RABBITMQ_URL: 'built from RABBITMQ_API_PASSWORD, RABBITMQ_WORKER_PASSWORD, …',
  RABBITMQ_MANAGEMENT_URL: '',
  RABBITMQ_MANAGEMENT_USER: '',
  RABBITMQ_MANAGEMENT_PASSWORD: 'RABBITMQ_MONITORING_PASSWORD',
  MINIO_ACCESS_KEY: "that of MinIO's administrator",
  MINIO_SECRET_KEY: "that of MinIO's administrator",
  STORE: '',
  STORE_FOLDER: '',
  MONITORING_URL: '',
  LISTEN_HOST: '',
  // `.env` sets the port on the host; in the container it is always the default.
  API_PORT: '',
  WORKER_PORT: '',
  NOTIFICATION_PORT: '',
  MONITORING_PORT: '',
  // Built from host name and process id, because several containers share their settings.
  WORKER_NAME: '',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'only with docker-compose.tracing.yml',
  OTEL_TRACES_SAMPLER_ARG: '',
};

/** Defaults of docker-compose.yml that differ from the services' own. */
export const composeDefaults: Readonly<Record<string, string>> = {
  MINIO_ENDPOINT: 'http://minio:9000',
  PUBLIC_API_URL: 'http://localhost:8000',
  PUBLIC_NOTIFICATION_URL: 'ws://localhost:8001',
  MAX_CONCURRENT_JOBS: '2',
};
