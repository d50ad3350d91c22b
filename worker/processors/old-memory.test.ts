import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { InputType } from '@image-pipeline/shared/contracts/operations.ts';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { asSharp } from '../engine/bitmap.ts';
import { createEngine, engines, type Engine, type EngineName } from '../engine/engine.ts';
import { gifFile, lzw } from '../engine/testing/gif-file.ts';
import { jpegSegments } from '../engine/testing/jpeg-file.ts';
import { cornersPicture } from '../engine/testing/pixels.ts';
import { pngChunk, pngFile } from '../engine/testing/png-file.ts';
import { anmf, vp8x, webpChunks, webpFile } from '../engine/testing/webp-file.ts';
import { process } from './testing/process.ts';

const MARKER = Buffer.from([0xa7, 0x5c, 0xe3, 0x19, 0xd4, 0x6b, 0x82, 0x3d]);
/** In bytes; larger blocks go back to the operating system when they are freed. */
const SIZES = [4, 8, 16, 24, 40, 64, 100].map((kib) => kib * 1024);
const ATTEMPTS = 100;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Fills memory with the marker and frees it, until the marker is in memory that is allocated without being initialized. */
async function plantMarkers(): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    for (const size of SIZES) {
      for (let i = 0; i < 8; i++) Buffer.allocUnsafeSlow(size).fill(MARKER);
    }
    for (let i = 0; i < 50; i++) Buffer.allocUnsafe(2000).fill(MARKER);
    collectGarbage();
    await setImmediate();
    if (SIZES.some((size) => Buffer.allocUnsafeSlow(size).includes(MARKER))) return;
  }
  throw new Error('No marker was found in memory that nobody has initialized.');
}

const picture = cornersPicture({ width: 120, height: 80 });
const size = { width: 120, height: 80 };
const jpeg = (progressive: boolean) => asSharp(picture).jpeg({ progressive }).toBuffer();

/** The first part of a JPEG's scan, then its end marker: decoders invent the rest. */
async function jpegWithoutEnd(): Promise<Buffer> {
  const file = await jpeg(false);
  const scan = jpegSegments(file, 0xda)[0] ?? Buffer.alloc(0);
  return Buffer.concat([file.subarray(0, file.indexOf(scan) + 60), Buffer.from([0xff, 0xd9])]);
}

/** A progressive JPEG with its first scan only. */
async function jpegWithOneScan(): Promise<Buffer> {
  const file = await jpeg(true);
  const second = jpegSegments(file, 0xda)[1] ?? Buffer.alloc(0);
  return Buffer.concat([file.subarray(0, file.indexOf(second)), Buffer.from([0xff, 0xd9])]);
}

async function cutWebp(lossless: boolean): Promise<Buffer> {
  const chunks = webpChunks(await asSharp(picture).removeAlpha().webp({ lossless }).toBuffer());
  return webpFile(chunks.map(([type, data]) => [type, data.subarray(0, data.length / 2)]));
}

const files: [string, InputType, () => Buffer | Promise<Buffer>][] = [
  ['a GIF with one pixel of many', 'image/gif', () => gifFile(size, [size])],
  ['a GIF without pixels', 'image/gif', () => gifFile(size, [{ ...size, data: [2, 0] }])],
  [
    'a GIF whose frame covers a corner',
    'image/gif',
    () => gifFile(size, [{ x: 90, y: 70, width: 4, height: 4, data: lzw(Array<number>(16).fill(1)) }]),
  ],
  [
    'a GIF with colours that it does not have',
    'image/gif',
    () => gifFile(size, [{ ...size, data: lzw(Array<number>(9600).fill(3)) }]),
  ],
  ['a PNG with half of its rows', 'image/png', () => pngFile({ ...size, data: Buffer.alloc(40 * 361) })],
  [
    'an interlaced PNG with a part',
    'image/png',
    () => pngFile({ ...size, interlaced: true, data: Buffer.alloc(9000) }),
  ],
  [
    'a PNG with colours that it does not have',
    'image/png',
    () =>
      pngFile({
        ...size,
        colourType: 3,
        data: Buffer.alloc(80 * 121, 0).fill(200, 1, 121),
        before: [pngChunk('PLTE', Buffer.from([1, 2, 3]))],
      }),
  ],
  [
    'a PNG that is cut after its last pixel',
    'image/png',
    async () => (await asSharp(picture).png().toBuffer()).subarray(0, -17),
  ],
  [
    'a PNG whose rows end within a byte',
    'image/png',
    () => pngFile({ width: 9, height: 80, depth: 1, colourType: 0, data: Buffer.alloc(80 * 3) }),
  ],
  ['a JPEG without the end of its scan', 'image/jpeg', jpegWithoutEnd],
  ['a JPEG with one of its scans', 'image/jpeg', jpegWithOneScan],
  ['a lossy WebP with half of its data', 'image/webp', () => cutWebp(false)],
  ['a lossless WebP with half of its data', 'image/webp', () => cutWebp(true)],
  [
    'a WebP whose frame covers a corner',
    'image/webp',
    async () => {
      const red = sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } });
      const frame = anmf(4, 4, webpChunks(await red.webp().toBuffer()), { x: 90, y: 70 });
      return webpFile([
        ['VP8X', vp8x(120, 80, 2)],
        ['ANMF', frame],
      ]);
    },
  ],
];

const operations: [string, object[]][] = [
  ['as it is', [{ type: 'filter', name: 'brightness', amount: 1 }]],
  [
    'with a text, cropped and enlarged',
    [
      { type: 'watermark', text: 'Hello', position: 'center' },
      { type: 'resize', width: 50, height: 50, fit: 'cover' },
      { type: 'resize', width: 200, enlarge: true },
    ],
  ],
];

describe.each(Object.keys(engines) as EngineName[])('old memory is in no result of the %s engine', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine(name);
  });

  it.each(files)('%s', async (_, type, make) => {
    const bytes = await make();
    for (const [changes, steps] of operations) {
      await plantMarkers();
      const changed = { operations: steps, output: { format: 'png' } };
      const processed = await process(engine, bytes, type, changed).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'undecodable_image' });
      });
      const image =
        processed === undefined ? undefined : await sharp(processed.result.bytes).raw().toBuffer();
      expect(image?.includes(MARKER) ?? false, changes).toBe(false);
    }
  });
});
