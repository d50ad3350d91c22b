import { createImagePool } from '../image-pool.ts';

// A parent to be killed: starts two children, prints their process ids, and leaves one hanging.
const pool = createImagePool({
  slots: 2,
  program: new URL('misbehaving-child.ts', import.meta.url),
  log: { debug: () => undefined, warn: () => undefined },
});
const ask = (behaviour: string) =>
  pool.process({
    bytes: Buffer.from(behaviour),
    contentType: 'image/png',
    operations: [],
    output: { format: null, quality: 85 },
  });
await pool.start();
const [one, other] = await Promise.all([ask('linger'), ask('linger')]);
process.stdout.write(`${one.source.width} ${other.source.width}\n`);
await ask('hang');
