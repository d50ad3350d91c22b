import { readFile } from 'node:fs/promises';
import { inputTypes, outputSchema, type InputType } from '@image-pipeline/shared/contracts/operations.ts';
import { PermanentFailure } from '@image-pipeline/shared/errors.ts';
import { fileTypeFromBuffer } from 'file-type';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseOperations } from '../api/upload/parse-operations.ts';
import { createEngine, type Engine } from '../worker/engine/engine.ts';
import { defaultImageLimits } from '../worker/engine/image-limits.ts';
import { processImage } from '../worker/processors/process-image.ts';
import { testImages } from './making/images.ts';
import type { ManifestEntry } from './making/test-image.ts';
import manifest from './manifest.json' with { type: 'json' };

const entries = manifest as ManifestEntry[];

const committed = (file: string) => readFile(new URL(file, import.meta.url));

it('the manifest is what the script writes', () => {
  expect(entries).toEqual(testImages.map(({ entry }) => entry));
});

describe('the committed file is what the script makes', () => {
  it.each(testImages)('$entry.file', async ({ entry, make }) => {
    const [expected, found] = [await make(), await committed(entry.file)];
    if (found.equals(expected)) return;
    // Encoders may differ by a bit between processors; the pictures may not.
    expect(await looksOf(found)).toEqual(await looksOf(expected));
  });
});

describe('what the manifest says happens', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });

  async function outcomeOf(file: Buffer, operations: string): Promise<object> {
    const contentType = await typeOf(file);
    if (contentType === undefined) throw new Error('the API would refuse it');
    const output = outputSchema.parse({});
    const task = { bytes: file, contentType, operations: parseOperations(operations), output };
    try {
      const { result } = await processImage({ ...task, limits: defaultImageLimits }, engine);
      const { format, width, height, orientation, icc, exif } = await sharp(result.bytes).metadata();
      expect({ orientation, icc, exif }).toEqual({});
      return { state: 'completed', result: { width, height, content_type: `image/${format}` } };
    } catch (error) {
      if (!(error instanceof PermanentFailure)) throw error;
      return { state: 'failed', error_code: error.code };
    }
  }

  it.each(entries)('to $file', async (entry) => {
    const file = await committed(entry.file);
    if ('operations' in entry) {
      expect<object>(entry).toMatchObject(await outcomeOf(file, entry.operations));
    } else if (entry.upload.code === 'empty_file') {
      expect(file).toHaveLength(0);
    } else {
      expect(await typeOf(file)).toBeUndefined();
    }
  });
});

it('all orientations are the same picture', async () => {
  const upright = async (orientation: number) => {
    const file = await committed(`orientation-${orientation}.jpg`);
    expect((await sharp(file).metadata()).orientation).toBe(orientation);
    const picture = sharp(file).autoOrient().extract({ left: 0, top: 0, width: 360, height: 180 });
    return sharp(await picture.png().toBuffer())
      .resize(6, 3, { fit: 'fill' })
      .raw()
      .toBuffer();
  };
  const first = await upright(1);
  for (const orientation of [2, 3, 4, 5, 6, 7, 8]) {
    const other = await upright(orientation);
    const difference = Math.max(...other.map((level, i) => Math.abs(level - (first[i] ?? 0))));
    expect(difference, `orientation ${orientation}`).toBeLessThan(4);
  }
});

async function typeOf(bytes: Buffer): Promise<InputType | undefined> {
  const mime = (await fileTypeFromBuffer(bytes))?.mime;
  return inputTypes.find((type) => type === mime);
}

/** A picture small enough for a difference that nobody sees to vanish; for files that are not images, their size. */
async function looksOf(file: Buffer): Promise<unknown> {
  try {
    const { format, width, height, orientation, depth } = await sharp(file).metadata();
    const pixels = await sharp(file).resize(4, 4, { fit: 'fill' }).raw().toBuffer();
    return {
      format,
      width,
      height,
      orientation,
      depth,
      levels: [...pixels].map((level) => Math.round(level / 16)),
    };
  } catch {
    return { kilobytes: Math.round(file.length / 1024) };
  }
}
