import { outputSchema } from '@image-pipeline/shared/contracts/operations.ts';
import { createEngine } from '../../worker/engine/engine.ts';
import { defaultImageLimits } from '../../worker/engine/image-limits.ts';
import { processImage } from '../../worker/processors/process-image.ts';
import { parseOperations } from '../../api/upload/parse-operations.ts';
import { benchImage, type BenchImage } from './upload.ts';

/**
 * The bare work, in a process of its own: the same engine on the same images, with no queue, store or events around it.
 * Speaks with its parent: takes a list of images, answers `done`.
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
