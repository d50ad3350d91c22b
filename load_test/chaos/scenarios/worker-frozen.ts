import { slowImage } from '../chaos-image.ts';
import { atWorkAgainAfter, until } from '../recovery-time.ts';
import { mustHold, type Scenario } from '../scenario.ts';

const JOBS = 8;
/** Two heartbeats of 10 s and 5 s. */
const GOAL_MS = 25_000;

/** A zombie: it believes that its jobs are its own when it comes back. */
export const workerFrozen: Scenario = {
  name: 'worker-frozen',
  fault: 'a worker is frozen (SIGSTOP) with jobs in progress, and resumed when others have finished them',
  async run({ system, client, subscriber }) {
    const [worker] = system.services.workers;
    if (worker === undefined) throw new Error('there are no workers');
    const uploads = Promise.all(Array.from({ length: JOBS }, () => client.upload(slowImage)));
    await until(() => subscriber.inProgressOf(worker.name).length > 0, 'it has a job in progress');
    const inHand = subscriber.inProgressOf(worker.name);
    const at = Date.now();
    void worker.signal('SIGSTOP');
    try {
      await uploads;
      const ms = await atWorkAgainAfter(system.store.direct, inHand, at);
      mustHold(ms > 0, 'the jobs in progress had ended before the worker was frozen');
      return { recoveries: [{ what: 'a frozen worker’s job running again', ms, goalMs: GOAL_MS }] };
    } finally {
      void worker.signal('SIGCONT');
    }
  },
};
