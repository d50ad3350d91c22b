import { faultTolerance } from '../experiments/fault-tolerance.ts';
import { guided } from '../experiments/guide.ts';
import { Monitoring } from '../experiments/monitoring.ts';
import { ApiClient } from '../pipeline/api-client.ts';
import { currentRuntime } from '../runtime/current-runtime.ts';

const NEEDED_WORKERS = 2;

/** `make experiment-1` */
export async function experiment1(): Promise<void> {
  const runtime = await currentRuntime();
  const { system } = await runtime.ensureUp();
  const before = system.readyWorkers;
  if (before < NEEDED_WORKERS) {
    console.log(`\nThis experiment needs ${NEEDED_WORKERS} workers, and ${before} is ready.`);
    console.log(`$ make scale N=${NEEDED_WORKERS}`);
    await runtime.scale(NEEDED_WORKERS);
  }
  const wanted = Math.max(before, NEEDED_WORKERS);
  try {
    await guided((guide) =>
      faultTolerance(guide, {
        api: new ApiClient(system.apiUrl),
        monitoring: new Monitoring(system.monitoringUrl),
        workers: runtime,
      }),
    );
  } finally {
    if (wanted !== before || (await runtime.workers()).length !== before) {
      console.log(`\nBack to the number of workers before:\n$ make scale N=${before}`);
      await runtime.scale(before);
    }
  }
}
