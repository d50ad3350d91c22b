import { messageOf } from '@image-pipeline/shared/errors.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';
import { retentionTurnKey, retentionTurnsPrefix } from '@image-pipeline/shared/store/keys.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import { removeOldJobs } from './remove-old-jobs.ts';

const CHECK_EVERY_SECONDS = 60;
const TURN_MS = 10 * 60_000;

export interface RetentionOptions {
  readonly store: ObjectStore;
  /** How long jobs are kept after their end, in milliseconds. */
  readonly retentionMs: number;
  /** The name of this replica, unique in the system. */
  readonly instance: string;
  readonly log: Logger;
}

/**
 * Removes old jobs every ten minutes. Of several replicas, the one that writes the record of the turn first does it; if it
 * stops meanwhile, the next turn continues.
 */
export function createRetention({ store, retentionMs, instance, log }: RetentionOptions): Repeater {
  let lastTurn = '';
  const repeater = new Repeater(async () => {
    const turn = new Date(Math.floor(Date.now() / TURN_MS) * TURN_MS).toISOString().replace(/\D/g, '');
    if (turn === lastTurn) return undefined;
    try {
      const isOurs = await store.putIfAbsent(retentionTurnKey(turn), jsonBody({ version: 1, instance }));
      lastTurn = turn;
      if (!isOurs) return undefined;
      for await (const { key } of store.list(retentionTurnsPrefix)) {
        if (key < retentionTurnKey(turn)) await store.remove(key);
      }
      const removed = await removeOldJobs(store, Date.now() - retentionMs, () => !repeater.isOn);
      if (removed > 0) log.info({ jobs: removed }, 'removed jobs older than RETENTION');
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not remove old jobs; continuing in the next turn');
    }
    return undefined;
  }, CHECK_EVERY_SECONDS);
  return repeater;
}
