import { execa } from 'execa';
import { setTimeout as sleep } from 'node:timers/promises';
import { slowImage } from '../chaos-image.ts';
import { FolderUnderTest } from '../folder-under-test.ts';
import { uploadOver } from '../run-schedule.ts';
import { Skipped, mustHold, type Scenario } from '../scenario.ts';

const JOBS = 30;

/** The folder lies on a small disk of its own, which a ballast fills. */
export const storeFull: Scenario = {
  name: 'store-full',
  fault: 'the disk of the store is full for 6 s, under load',
  store: 'folder',
  async run({ system, client, draw }) {
    const { store } = system;
    if (!(store instanceof FolderUnderTest) || !store.canFill) {
      throw new Skipped('only root on Linux can mount a small disk');
    }
    const uploads = uploadOver(client, JOBS, 8, draw);
    await sleep(2_000);
    await store.fill();
    await sleep(6_000);
    await store.makeRoom();
    await uploads;
    mustHold(
      client.notes.some(({ kind }) => kind === 'refused'),
      'no upload was refused',
    );
    return {};
  },
};

/** 200 kB: an upload of 300 kB has no room. */
const DISK = 'size=200k';

export const tempFull: Scenario = {
  name: 'temp-full',
  fault:
    'the disk for uploads is full: uploads are rejected and cleaned up, then accepted when there is space',
  async run({ system, client }) {
    const { api, temp } = system.services;
    const mounted = await execa('mount', ['-t', 'tmpfs', '-o', DISK, 'tmpfs', temp], { reject: false });
    if (mounted.failed) throw new Skipped('only root on Linux can mount a small disk');
    try {
      await api.restartWith({});
      const note = await client.tryOnce(slowImage);
      mustHold(
        note.kind === 'refused' && note.code === 'out_of_space',
        `the upload was ${note.kind}${'code' in note ? ` (${note.code})` : ''}`,
      );
    } finally {
      await api.signal('SIGTERM');
      await execa('umount', ['-l', temp]);
      await api.restartWith({});
    }
    await client.upload(slowImage);
    return {};
  },
};
