// Processes as many images at a time as there are cores; a job is completed after its result is stored.
import { rename } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Worker } from 'bullmq';
import sharp from 'sharp';

const { FOLDER, REDIS_PORT } = process.env;
const text = Buffer.from(
  '<svg width="300" height="50"><text x="10" y="35" font-size="32" fill="white" opacity="0.5">image pipeline</text></svg>',
);

async function processImage({ data: { id } }) {
  const temporary = `${FOLDER}/results/.${id}`;
  await sharp(`${FOLDER}/originals/${id}`)
    .rotate()
    .resize({ width: 800, height: 600, fit: 'inside' })
    .composite([{ input: text, gravity: 'southeast' }])
    .jpeg({ quality: 80 })
    .toFile(temporary);
  await rename(temporary, `${FOLDER}/results/${id}`);
}

new Worker('images', processImage, {
  connection: { host: '127.0.0.1', port: Number(REDIS_PORT) },
  concurrency: availableParallelism() + 1,
});
