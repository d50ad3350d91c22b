#!/usr/bin/env -S npx node
import { writeFile } from 'node:fs/promises';
import { testImages } from './making/images.ts';

// Writes all test images, and the manifest of what must become of each. Run it after a change in making/.
for (const { entry, make } of testImages) {
  const bytes = await make();
  await writeFile(new URL(entry.file, import.meta.url), bytes);
  const size = String(bytes.length).padStart(8);
  process.stdout.write(`${entry.file.padEnd(20)} ${size}  ${entry.description}\n`);
}
const manifest = testImages.map(({ entry }) => entry);
await writeFile(new URL('manifest.json', import.meta.url), `${JSON.stringify(manifest, undefined, 2)}\n`);
