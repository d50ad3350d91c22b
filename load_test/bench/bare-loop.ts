import { outputSchema } from '@image-pipeline/shared/contracts/operations.ts';
import { createEngine } from '../../worker/engine/engine.ts';
import { defaultImageLimits } from '../../worker/engine/image-limits.ts';
import { processImage } from '../../worker/processors/process-image.ts';
import { parseOperations } from '../../api/upload/parse-operations.ts';
import { benchImage, type BenchImage } from './upload.ts';

/**
 * Processes images in a loop, with the same engine but without queue, store or events. Runs as a child process: it receives
 * lists of images, and replies `done` to each.
 */
process.on('message', (images: readonly Omit<BenchImage, 'bytes'>[]) => {
  void work(images).then(() => process.send?.('done'));
});

const engine = createEngine();

async function work(images: readonly Omit<BenchImage, 'bytes'>[]): Promise<void> {
  for (const { name, contentType, operations } of images) {
    const task = {
      bytes: benchImage(name, contentType, operations).bytes,
      contentType,
      operations: parseOperations(operations),
      output: outputSchema.parse({}),
      limits: defaultImageLimits,
    };
    await processImage(task, await engine);
  }
}
