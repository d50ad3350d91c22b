import { createHash } from 'node:crypto';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { createEngine } from '../../../worker/engine/engine.ts';
import { defaultImageLimits } from '../../../worker/engine/image-limits.ts';
import { processImage } from '../../../worker/processors/process-image.ts';
import { readCorpus } from '../corpus.ts';
import { makeFile } from '../make-file.ts';

/*
 * Processes mutated images. Prints a digest of each result, or the code of its failure; and what memory contains before
 * it is written to.
 */
const [seed = 0, count = 0] = process.argv.slice(2).map(Number);
const corpus = await readCorpus();
const engine = await createEngine('sharp');
const digests: string[] = [];
for (let number = 0; number < count; number++) digests.push(await digestOf(number));
const unwritten = Buffer.allocUnsafeSlow(4_000_000)[2_000_000];
process.stdout.write(JSON.stringify({ unwritten, digests }));

async function digestOf(number: number): Promise<string> {
  const { bytes, type } = makeFile(corpus, seed, number);
  const task = {
    bytes,
    contentType: type,
    operations: [],
    output: { format: 'png', quality: 85 },
    limits: defaultImageLimits,
  } as const;
  try {
    const { result } = await processImage(task, engine);
    return `${result.width} × ${result.height} ${createHash('sha256').update(result.bytes).digest('hex')}`;
  } catch (error) {
    if (error instanceof PipelineError) return error.code;
    throw error;
  }
}
