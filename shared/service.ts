import { hostname } from 'node:os';
import type { Broker } from './broker/broker.ts';
import { createLifecycle, type LifecycleStep, type Startable } from './lifecycle.ts';
import { tracingStep, type TracingOptions } from './tracing/start-tracing.ts';

/** A service of the pipeline, as its process and the tests see it. */
export interface Service extends Startable {
  /** Of its HTTP server. */
  readonly port: number;
  /** Resolves with the reason if the service detects at runtime that it can never work. */
  readonly failed: Promise<Error>;
}

/** Distinguishes the replicas of a service in logs and traces, e.g. `api-host1-4711`. */
export function instanceName(service: string): string {
  return `${service}-${hostname()}-${process.pid}`;
}

interface ServiceOptions {
  readonly broker: Broker;
  readonly server: { readonly port: number };
  /** In start order; see `createLifecycle`. */
  readonly steps: readonly LifecycleStep[];
  readonly stopDeadlineMs: number;
  /** For a service that takes part in the traces of jobs. */
  readonly tracing?: TracingOptions;
  /** Aborts before the first step is stopped. */
  readonly stopping: AbortController;
  readonly onStarted: (port: number) => void;
  /** Resolves with a reason of its own why the service can never work. */
  readonly failed?: Promise<Error>;
}

/** Builds a service from its parts. It also fails if the broker is misconfigured. */
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
