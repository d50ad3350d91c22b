import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InputType } from '@image-pipeline/shared/contracts/operations.ts';
import { fileTypeFromBuffer } from 'file-type';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { images } from '../../testing/images.ts';
import { declaredSize } from './declared-size.ts';

const folder = join(import.meta.dirname, '../../test_images');
const valid = readdirSync(folder).filter(
  (name) => /\.(jpg|png|gif|webp)$/.test(name) && !/^(corrupted|empty|text|truncated)\./.test(name),
);

describe('the size of an image', () => {
  it.each(valid)('is found in the beginning of %s', async (name) => {
    const file = readFileSync(join(folder, name));
    const type = (await fileTypeFromBuffer(file))?.mime.replace('apng', 'png') as InputType;
    const { width, height, pageHeight = height } = await sharp(file).metadata();
    expect(declaredSize(file, type)).toEqual({ width, height: pageHeight });
  });

  it.each(Object.entries(images))('of a small %s is found', (type, file) => {
    expect(declaredSize(file, type as InputType)).toEqual({ width: 3, height: 2 });
  });

  it('of a lossy WebP is found', async () => {
    const picture = sharp({ create: { width: 300, height: 200, channels: 3, background: 'red' } });
    expect(declaredSize(await picture.webp().toBuffer(), 'image/webp')).toEqual({ width: 300, height: 200 });
  });

  it('of a GIF is that of its first frame, if it is larger than the screen', () => {
    const gif = Buffer.from(images['image/gif']);
    const frame = gif.indexOf(Buffer.from([0x2c, 0, 0, 0, 0, 3, 0, 2, 0]));
    gif.writeUInt16LE(4_000, frame + 5);
    gif.writeUInt16LE(5_000, frame + 7);
    expect(declaredSize(gif, 'image/gif')).toEqual({ width: 4_000, height: 5_000 });
  });

  it.each(Object.entries(images))('of any other beginning of a %s is unknown', (type, file) => {
    for (const change of [0, 0x21, 0xff]) {
      const garbage = new Uint8Array(file.length).fill(change);
      garbage.set(file.subarray(0, 12));
      expect(declaredSize(garbage, type as InputType)).toBeUndefined();
    }
    for (let length = 0; length < file.length; length++)
      declaredSize(file.subarray(0, length), type as InputType);
  });
});
