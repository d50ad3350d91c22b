import type { TestProject } from 'vitest/node';
import { findPrometheus, type PrometheusPrograms } from '../../local/prometheus/find-prometheus.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Prometheus' programs, or null if they are not installed: their tests are then skipped with a message. */
    prometheus: PrometheusPrograms | null;
  }
}

/** vitest globalSetup: `inject('prometheus')` in a test. */
export default async function setup(project: TestProject): Promise<void> {
  const programs = await findPrometheus();
  if (programs === undefined)
    console.error(
      'The tests with Prometheus are SKIPPED: it is not installed. To see how to install it: make doctor',
    );
  project.provide('prometheus', programs ?? null);
}
