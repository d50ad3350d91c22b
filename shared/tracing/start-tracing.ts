import { context, diag, DiagLogLevel, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ConfigError } from '../config.ts';
import { messageOf } from '../errors.ts';
import type { LifecycleStep } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import { withinDeadline } from '../waiting.ts';

export interface TracingOptions {
  /** e.g. `api` */
  readonly service: string;
  /** Distinguishes replicas, e.g. `worker-1`. */
  readonly instance: string;
  /** URL of the collector, e.g. `http://host:4318`; empty: nothing is recorded. */
  readonly endpoint: string;
  /** Ratio of new traces that are recorded, 0 to 1; a received trace is recorded if its sender recorded it. */
  readonly ratio: number;
  readonly log: Logger;
}

/** Timeout of the export of a batch, and of the last spans at a stop. */
const EXPORT_TIMEOUT_MS = 2_000;

/**
 * The lifecycle step for tracing. Trace ids are always propagated, from request to message to log line. Spans are recorded
 * only if an endpoint is set, by an SDK that is a development dependency.
 */
export function tracingStep(options: TracingOptions): LifecycleStep {
  let endRecording: (() => Promise<void>) | undefined;
  return {
    name: 'tracing',
    start: async () => {
      // Where an SDK has set a context manager already, that one stays.
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      if (options.endpoint !== '') endRecording = await startRecording(options);
    },
    stop: () => endRecording?.(),
  };
}

/**
 * Sends spans to the endpoint, unless an SDK records already.
 * @returns a function that exports the last spans and ends the recording
 * @throws ConfigError if the SDK is not installed
 */
async function startRecording(options: TracingOptions): Promise<() => Promise<void>> {
  const { service, instance, endpoint, ratio, log } = options;
  const sdk = await loadSdk();
  const provider = new sdk.TracerProvider({
    resource: sdk.resourceFromAttributes({
      'service.namespace': 'image-pipeline',
      'service.name': service,
      'service.instance.id': instance,
    }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new sdk.OTLPTraceExporter({
          url: `${endpoint}/v1/traces`,
          timeoutMillis: EXPORT_TIMEOUT_MS,
        }),
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  if (!trace.setGlobalTracerProvider(provider)) return () => provider.shutdown();
  reportTo(log);
  log.info({ endpoint }, 'recording traces');
  return async () => {
    trace.disable();
    // A failed export must not fail the stop.
    await withinDeadline(EXPORT_TIMEOUT_MS, () => provider.shutdown()).catch((error: unknown) => {
      log.warn({ reason: messageOf(error) }, 'could not export the last spans');
    });
    diag.disable();
  };
}

/** Logs warnings of the SDK: an unavailable collector, dropped spans. */
function reportTo(log: Logger): void {
  const warn = (message: string) => log.warn({ reason: message }, 'cannot export spans');
  const ignore = () => undefined;
  const reporter = { error: warn, warn, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(reporter, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

async function loadSdk() {
  try {
    const [tracing, resources, exporter] = await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ]);
    return { ...tracing, ...resources, ...exporter };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
    throw new ConfigError([
      'OTEL_EXPORTER_OTLP_ENDPOINT is set, but the OpenTelemetry SDK is not installed. To install it, see docs/tracing.md',
    ]);
  }
}
