import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readOutcome } from '@image-pipeline/shared/jobs/read-run.ts';
import sharp from 'sharp';
import { smallImages, type ChaosImage } from '../chaos-image.ts';
import { applyFault, workerOf } from '../faults.ts';
import { decodersOf } from '../processes.ts';
import { mustHold, until, uploadSlow, type Scenario } from '../scenario.ts';

const KILLS = 5;

/** The attempt is counted and repeated; the worker and its other decoder continue. */
export const decoderKilled: Scenario = {
  name: 'decoder-killed',
  fault: 'processes that decode images are killed (-9)',
  async run({ system, client, draw }) {
    const uploads = uploadSlow(client, 16);
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(draw(300, 900));
      await applyFault(system, { kind: 'kill decoder' });
    }
    await uploads;
    return {};
  },
};

const DEADLINE_MS = 4_000;
/** A decoder must exit within 1 s after its deadline. */
const HANG_GOAL_MS = 5_000;

/** Stops all decoders of one worker while they process images. Only their deadline detects that. */
export const decoderHangs: Scenario = {
  name: 'decoder-hangs',
  fault: 'decoders hang (SIGSTOP) until their timeout of 4 s',
  async run({ system, client, subscriber }) {
    const worker = workerOf(system, 1);
    await worker.restartWith({ JOB_TIMEOUT_MS: String(DEADLINE_MS) });
    try {
      const uploads = uploadSlow(client, 8);
      await until(() => subscriber.inProgressOf(worker.name).length > 0, 'it has a job in progress');
      const since = performance.now();
      const hanging = (await decodersOf(system.services)).filter(({ parent }) => parent === worker.pid);
      for (const { pid } of hanging) process.kill(pid, 'SIGSTOP');
      const stopped = new Set(hanging.map(({ pid }) => pid));
      mustHold(stopped.size > 0, 'the worker had no decoders');
      let ms = 0;
      await until(async () => {
        const left = (await decodersOf(system.services)).filter(({ pid }) => stopped.has(pid));
        if (left.length < stopped.size && ms === 0) ms = performance.now() - since;
        return ms > 0;
      }, 'a hanging decoder has exited');
      // A stopped decoder without a job has no deadline, so it is resumed here.
      for (const { pid } of await decodersOf(system.services)) {
        if (stopped.has(pid)) process.kill(pid, 'SIGCONT');
      }
      await uploads;
      return { recoveries: [{ what: 'a hanging decoder gone', ms, goalMs: HANG_GOAL_MS }] };
    } finally {
      await worker.restartWith({});
    }
  },
};

const LIMIT_MIB = 320;
const SIDE = 4_900;

/** 24 megapixels that are blurred before they are reduced need about 500 MiB: a decoder with less dies at each attempt. */
export const decoderMemory: Scenario = {
  name: 'decoder-memory',
  fault: `an image exceeds the memory limit of a decoder (${LIMIT_MIB} MiB)`,
  async run({ system, client }) {
    const { workers, folder } = system.services;
    const path = join(folder, 'huge.jpg');
    const background = { r: 200, g: 100, b: 50 };
    const huge = sharp({ create: { width: SIDE, height: SIDE, channels: 3, background } });
    await writeFile(path, await huge.jpeg().toBuffer());
    const image: ChaosImage = { name: path, operations: 'filter:blur,resize:1600x1600', ends: 'failed' };
    await Promise.all(workers.map((worker) => worker.restartWith({ JOB_MEMORY_MIB: String(LIMIT_MIB) })));
    try {
      const [jobId = ''] = await Promise.all([image, ...smallImages].map((each) => client.upload(each)));
      mustHold(jobId !== '', 'the huge image was not accepted');
      const outcomeOf = () => readOutcome(system.store.direct, jobId, 1);
      await until(async () => (await outcomeOf()) !== undefined, 'it ended');
      const outcome = await outcomeOf();
      const code = outcome?.state === 'failed' ? outcome.error.code : outcome?.state;
      mustHold(code === 'memory_exceeded', `it ended with ${code ?? 'nothing'}`);
      return { expected: new Map([[image.name, 'failed']]) };
    } finally {
      await Promise.all(workers.map((worker) => worker.restartWith({})));
    }
  },
};
