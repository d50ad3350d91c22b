import { setTimeout as sleep } from 'node:timers/promises';
import { applyFault } from '../apply-fault.ts';
import { slowImage } from '../chaos-image.ts';
import type { Scenario } from '../scenario.ts';

const JOBS = 16;
const KILLS = 5;

/** The attempt is counted and made again; the worker and its other decoder go on. */
export const decoderKilled: Scenario = {
  name: 'decoder-killed',
  fault: 'processes that decode images are killed (-9)',
  async run({ system, client, draw }) {
    const uploads = Promise.all(Array.from({ length: JOBS }, () => client.upload(slowImage)));
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(draw(300, 900));
      await applyFault(system, { kind: 'kill decoder' });
    }
    await uploads;
    return {};
  },
};
