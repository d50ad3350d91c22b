/**
 * A process to be killed: stores objects of 1 MiB in a folder store without end, and sends each stored key to its
 * parent. `stream` ends in a put whose stream stalls halfway, so that a half-written file is certain.
 *
 *     node endless-writer.ts FOLDER put|putIfAbsent|stream
 */
import { Readable } from 'node:stream';
import { FolderStore } from '@image-pipeline/shared/store/folder-store.ts';

const [folder = '', method = 'put'] = process.argv.slice(2);
const store = new FolderStore({ folder, operationMs: 60_000 });
const body = Buffer.alloc(1024 * 1024, 1);

async function* halfOfIt() {
  yield body.subarray(0, body.length / 2);
  process.send?.('whole');
  yield await new Promise<Buffer>(() => undefined);
}

if (method === 'stream') {
  await store.put('whole', Readable.from([body]));
  // Keeps the process alive: a stalled stream alone does not.
  setInterval(() => undefined, 1_000);
  await store.put('half', Readable.from(halfOfIt()));
}
for (let i = 0; ; i++) {
  const key = `written/${i}`;
  if (method === 'put') await store.put(key, body);
  else await store.putIfAbsent(key, body);
  process.send?.(key);
}
