import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readOutcome } from '@image-pipeline/shared/jobs/record-outcome.ts';
import sharp from 'sharp';
import { smallImages, type ChaosImage } from '../chaos-image.ts';
import { until } from '../recovery-time.ts';
import { mustHold, type Scenario } from '../scenario.ts';

const LIMIT_MIB = 320;
const SIDE = 4_900;

/** 24 megapixels that are blurred before they are reduced need some 500 MiB: a decoder with less dies at each attempt. */
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
      const [jobId] = await Promise.all([image, ...smallImages].map((each) => client.upload(each)));
      mustHold(jobId !== undefined, 'the huge image was not accepted');
      await until(
        async () => (await readOutcome(system.store.direct, jobId ?? '', 1)) !== undefined,
        'it ended',
      );
      const outcome = await readOutcome(system.store.direct, jobId ?? '', 1);
      const code = outcome?.state === 'failed' ? outcome.error.code : outcome?.state;
      mustHold(code === 'memory_exceeded', `it ended with ${code ?? 'nothing'}`);
      return { expected: new Map([[image.name, 'failed']]) };
    } finally {
      await Promise.all(workers.map((worker) => worker.restartWith({})));
    }
  },
};
