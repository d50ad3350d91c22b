import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { z } from 'zod';

const SEED = 42;
const FILES = 300;
const program = fileURLToPath(new URL('testing/digest-results.ts', import.meta.url));

const resultsSchema = z.object({ unwritten: z.int(), digests: z.array(z.string()) });

/** @param marker what memory contains before it is written to: glibc fills it with the inverse of this byte */
async function resultsWith(marker: string): Promise<z.output<typeof resultsSchema>> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, String(SEED), String(FILES)], {
    env: { ...process.env, MALLOC_PERTURB_: marker },
  });
  return resultsSchema.parse(JSON.parse(stdout));
}

// Whatever a decoder leaves of a damaged image would be old memory: pixels of other images.
it.runIf(process.platform === 'linux')(
  'no result contains memory that was not written to: another content of that memory makes no difference',
  async () => {
    const [one, other] = await Promise.all([resultsWith('90'), resultsWith('165')]);
    expect([one.unwritten, other.unwritten]).toEqual([165, 90]);
    const different = [...one.digests.keys()].filter(
      (number) => one.digests[number] !== other.digests[number],
    );
    expect(different, `numbers of files of seed ${SEED}`).toEqual([]);
    expect(one.digests.filter((digest) => digest.includes('×')).length).toBeGreaterThan(50);
  },
  120_000,
);
