import { createEngine } from '../engine/engine.ts';
import { processImage } from '../processors/process-image.ts';
import { serveTasks } from './serve-tasks.ts';

// The program of a child process: see image-pool.ts.
await serveTasks(async () => {
  const engine = await createEngine(process.argv[3] === 'sharp' ? 'sharp' : 'jimp');
  return (task, progress) => processImage(task, engine, progress);
});
