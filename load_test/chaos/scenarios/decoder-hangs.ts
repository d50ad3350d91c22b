import { slowImage } from '../chaos-image.ts';
import { decodersOf } from '../processes.ts';
import { until } from '../recovery-time.ts';
import { mustHold, type Scenario } from '../scenario.ts';

const JOBS = 8;
const DEADLINE_MS = 4_000;
/** A decoder is gone within 1 s of its deadline. */
const GOAL_MS = 5_000;

/** All decoders of one worker are stopped in the middle of their work: its guard cannot see that, only the deadline. */
export const decoderHangs: Scenario = {
  name: 'decoder-hangs',
  fault: 'decoders hang (SIGSTOP) until their timeout of 4 s',
  async run({ system, client, subscriber }) {
    const [worker] = system.services.workers;
    if (worker === undefined) throw new Error('there are no workers');
    await worker.restartWith({ JOB_TIMEOUT_MS: String(DEADLINE_MS) });
    try {
      const uploads = Promise.all(Array.from({ length: JOBS }, () => client.upload(slowImage)));
      await until(() => subscriber.inProgressOf(worker.name).length > 0, 'it has a job in progress');
      const since = performance.now();
      const hanging = (await decodersOf(system.services)).filter(({ parent }) => parent === worker.pid);
      for (const { pid } of hanging) process.kill(pid, 'SIGSTOP');
      const atWork = new Set(hanging.map(({ pid }) => pid));
      mustHold(atWork.size > 0, 'the worker had no decoders');
      let ms = 0;
      await until(async () => {
        const left = (await decodersOf(system.services)).filter(({ pid }) => atWork.has(pid));
        if (left.length < atWork.size && ms === 0) ms = performance.now() - since;
        return ms > 0;
      }, 'a hanging decoder is gone');
      // One that had nothing to do hangs until there is something, which may be never.
      for (const { pid } of await decodersOf(system.services)) {
        if (atWork.has(pid)) process.kill(pid, 'SIGCONT');
      }
      await uploads;
      return { recoveries: [{ what: 'a hanging decoder gone', ms, goalMs: GOAL_MS }] };
    } finally {
      await worker.restartWith({});
    }
  },
};
