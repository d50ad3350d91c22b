import { scheduleTable } from '../report.ts';
import { runSchedule, uploadOver } from '../run-schedule.ts';
import type { Scenario } from '../scenario.ts';
import { randomSchedule, stormSchedule } from '../schedule.ts';
import type { ScheduledFault } from '../fault.ts';

/** A worker killed every 2 s, the broker restarted twice, connections closed, the store away for 20 s. */
export function storm(jobs: number, seconds: number): Scenario {
  return mix(
    'storm',
    `${jobs} jobs in ${seconds} s; workers killed every 2 s, the broker restarted twice, all connections closed, ` +
      'the store away for 20 s',
    { jobs, seconds },
    stormSchedule(seconds),
  );
}

/** Whatever the seed says; the same seed says the same again. */
export function randomMix(seed: number, jobs: number, seconds: number): Scenario {
  return mix(
    'random-mix',
    `${jobs} jobs in ${seconds} s under faults at random (SEED=${seed})`,
    { jobs, seconds },
    randomSchedule(seed, seconds),
  );
}

export function mix(
  name: string,
  fault: string,
  { jobs, seconds }: { readonly jobs: number; readonly seconds: number },
  schedule: readonly ScheduledFault[],
): Scenario {
  return {
    name,
    fault,
    async run({ system, client, draw, say }) {
      say(scheduleTable(schedule));
      await Promise.all([uploadOver(client, jobs, seconds, draw), runSchedule(system, schedule)]);
      return {};
    },
  };
}
