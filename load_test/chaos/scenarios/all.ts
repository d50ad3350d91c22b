import type { ChaosRun } from '../options.ts';
import type { Scenario } from '../scenario.ts';
import { brokerKilled, brokerRestarted } from './broker-restarted.ts';
import { clockMoved } from './clock-moved.ts';
import { connectionsClosed, halfOpen } from './connections.ts';
import { decoderHangs } from './decoder-hangs.ts';
import { decoderKilled } from './decoder-killed.ts';
import { decoderMemory } from './decoder-memory.ts';
import { storeFull, tempFull } from './disk-full.ts';
import { hostileSockets } from './hostile-sockets.ts';
import { memoryAlarm } from './memory-alarm.ts';
import { duplicateDelivery, poisonMessages } from './messages.ts';
import { randomMix, storm } from './mixes.ts';
import { queueFull } from './queue-full.ts';
import { apiKilled, notificationKilled, sigterm } from './services-killed.ts';
import { storeAway, storeCut, storeFrozen, storeIll } from './store-faults.ts';
import { workerFrozen } from './worker-frozen.ts';
import { workerKilled } from './worker-killed.ts';

/** All scenarios: single faults first, then mixes of all faults. */
export function allScenarios({ seed, jobs, seconds }: ChaosRun): readonly Scenario[] {
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
    storeAway,
    storeFrozen,
    storeIll,
    storeCut,
    apiKilled,
    notificationKilled,
    poisonMessages,
    duplicateDelivery,
    memoryAlarm,
    queueFull,
    hostileSockets,
    sigterm,
    tempFull,
    storm(jobs, seconds),
    randomMix(seed, jobs, seconds),
    storeFull,
    clockMoved,
  ];
}
