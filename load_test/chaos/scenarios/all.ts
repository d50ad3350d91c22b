import { describeFault, type ScheduledFault } from '../faults.ts';
import { uploadOver, type Scenario } from '../scenario.ts';
import { randomSchedule, runSchedule, stormSchedule } from '../schedule.ts';
import {
  brokerKilled,
  brokerRestarted,
  connectionsClosed,
  halfOpen,
  memoryAlarm,
  queueFull,
} from './broker.ts';
import { decoderHangs, decoderKilled, decoderMemory } from './decoders.ts';
import { duplicateDelivery, hostileSockets, poisonMessages } from './hostile-input.ts';
import {
  apiKilled,
  clockMoved,
  notificationKilled,
  sigterm,
  workerFrozen,
  workerKilled,
} from './services.ts';
import { longOutage, partsDeleted, permissionsRevoked, queuePurged } from './surroundings.ts';
import { storeCut, storeErrors, storeFrozen, storeFull, storeUnavailable, tempFull } from './store.ts';

interface MixSettings {
  readonly jobs: number;
  readonly seconds: number;
}

/** All scenarios: single faults first, then mixes of all faults. */
export function allScenarios({ seed, jobs, seconds }: MixSettings & { readonly seed: number }): Scenario[] {
  return [
    workerKilled,
    workerFrozen,
    decoderKilled,
    decoderHangs,
    decoderMemory,
    brokerRestarted,
    brokerKilled,
    connectionsClosed,
    halfOpen,
    storeUnavailable,
    storeFrozen,
    storeErrors,
    storeCut,
    apiKilled,
    notificationKilled,
    poisonMessages,
    duplicateDelivery,
    memoryAlarm,
    queueFull,
    hostileSockets,
    sigterm,
    partsDeleted,
    permissionsRevoked,
    queuePurged,
    longOutage,
    tempFull,
    storm(jobs, seconds),
    randomMix(seed, jobs, seconds),
    storeFull,
    clockMoved,
  ];
}

/** The standard test of all parts at once; see stormSchedule. */
function storm(jobs: number, seconds: number): Scenario {
  return mix(
    'storm',
    `${jobs} jobs in ${seconds} s; workers killed every 2 s, the broker restarted twice, all connections closed, ` +
      'the store unavailable for 20 s',
    { jobs, seconds },
    stormSchedule(seconds),
  );
}

/** The same seed gives the same schedule. */
function randomMix(seed: number, jobs: number, seconds: number): Scenario {
  return mix(
    'random-mix',
    `${jobs} jobs in ${seconds} s with random faults (SEED=${seed})`,
    { jobs, seconds },
    randomSchedule(seed, seconds),
  );
}

export function mix(
  name: string,
  fault: string,
  { jobs, seconds }: MixSettings,
  schedule: readonly ScheduledFault[],
): Scenario {
  return {
    name,
    fault,
    async run({ system, client, draw, say }) {
      say(schedule.map((fault) => `  ${describeFault(fault)}`).join('\n'));
      await Promise.all([uploadOver(client, jobs, seconds, draw), runSchedule(system, schedule)]);
      return {};
    },
  };
}
