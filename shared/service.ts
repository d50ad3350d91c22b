import type { Broker } from './broker/broker.ts';
import { createLifecycle, type LifecycleStep, type Startable } from './lifecycle.ts';
import { tracingStep, type TracingOptions } from './tracing/start-tracing.ts';

/** A service of the pipeline, as its process and the tests see it. */
export interface Service extends Startable {
  /** Of its HTTP server. */
  readonly port: number;
  /** Resolves with the reason if it finds out, while it runs, that it can never work. */
  readonly failed: Promise<Error>;
}

export interface ServiceOptions {
  readonly broker: Broker;
  readonly server: { readonly port: number };
  /** In the order of starting; see `createLifecycle`. */
  readonly steps: readonly LifecycleStep[];
  readonly stopDeadlineMs: number;
  /** For a service that takes part in the traces of jobs. */
  readonly tracing?: TracingOptions;
  /** Is aborted before the first step is stopped. */
  readonly stopping: AbortController;
  readonly onStarted: (port: number) => void;
  /** Resolves if it can never work for a reason of its own. */
  readonly failed?: Promise<Error>;
}

/** A service out of its parts. It also fails when the broker is set up such that it can never work. */
export function createService(options: ServiceOptions): Service {
  const { broker, server, steps, stopDeadlineMs, stopping, onStarted } = options;
  const tracing = options.tracing === undefined ? [] : [tracingStep(options.tracing)];
  const lifecycle = createLifecycle([...tracing, ...steps], stopDeadlineMs);
  const brokerFailed = new Promise<Error>((resolve) => broker.on('fatal', resolve));
  return {
    failed: Promise.race([brokerFailed, ...(options.failed === undefined ? [] : [options.failed])]),
    get port() {
      return server.port;
    },
    async start() {
      await lifecycle.start();
      onStarted(server.port);
    },
    stop() {
      stopping.abort();
      return lifecycle.stop();
    },
  };
}
