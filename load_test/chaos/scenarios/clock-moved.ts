import { writeFile } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../recovery-time.ts';
import { uploadOver } from '../run-schedule.ts';
import { Skipped, type Scenario } from '../scenario.ts';

const JOBS = 60;
const HALF_AN_HOUR_MS = 30 * 60_000;

/** MinIO refuses requests of a clock that is 15 min wrong, so the store is a folder here. */
export const clockMoved: Scenario = {
  name: 'clock-moved',
  fault:
    'the clocks of a worker and of the notification service jump forward and back by an hour, under load',
  store: 'folder',
  async run({ system, client, subscriber, draw }) {
    const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1');
    if (library === undefined) throw new Skipped('libfaketime is not installed (apt-get install faketime)');
    const { workers, notification, folder } = system.services;
    const clock = join(folder, 'clock');
    await writeFile(clock, '+0');
    const wrong = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    const moved = [...workers.slice(0, 1), notification];
    await Promise.all(moved.map((service) => service.restartWith(wrong)));
    try {
      const uploads = uploadOver(client, JOBS, 9, draw);
      await sleep(3_000);
      await writeFile(clock, '+1h');
      await sleep(3_000);
      await writeFile(clock, '-1h');
      await uploads;
      const isFarOff = ({ at }: { at: number }) => Math.abs(at - Date.now()) > HALF_AN_HOUR_MS;
      await until(() => subscriber.starts.some(isFarOff), 'a job was begun by a wrong clock');
      return {};
    } finally {
      await Promise.all(moved.map((service) => service.restartWith({})));
    }
  },
};
