import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { form } from '../../testing/images.ts';
import { setUpSystem } from '../../testing/test-system.ts';

const system = setUpSystem();
const filters = (count: number, name: string) => Array.from({ length: count }, () => `filter:${name}`).join();

/** Some kilobytes of one colour. */
async function flat(width: number, height: number, format: 'jpeg' | 'png' = 'jpeg') {
  const picture = sharp({ create: { width, height, channels: 3, background: '#369' } });
  return new Uint8Array(await picture[format]().toBuffer());
}

it('a costly list of operations on a large image is refused with the numbers', async () => {
  const api = await system.startApi();
  const bytes = await flat(5_000, 5_000);
  const costly = await api.upload(form([{ bytes }], { operations: filters(10, 'blur:100') }));
  expect(costly).toMatchObject({
    status: 422,
    json: {
      code: 'too_costly',
      detail:
        'Processing "photo.png" (25 megapixels, operations: 10) would take an estimated 6.9 s. Maximum: 6 s. Use fewer operations, or resize the image first.',
      limit: 6,
      seen: 6.9,
    },
  });
});

it.each([
  ['one of them', [5_000, 5_000], filters(1, 'blur:100')],
  ['the same on a smaller image', [1_000, 1_000], filters(10, 'blur:100')],
  ['the same on an image that is resized first', [5_000, 5_000], `resize:800,${filters(9, 'blur:100')}`],
  ['the default operations', [5_000, 5_000], ''],
  // Workers say why it fails, without decoding it.
  ['more pixels than workers process', [6_000, 5_000], filters(10, 'blur:100')],
] as const)('%s is accepted', async (_what, [width, height], operations) => {
  const api = await system.startApi();
  const bytes = await flat(width, height);
  expect((await api.upload(form([{ bytes }], { operations }))).status).toBe(202);
  await system.take(queueNames.process);
});

it('one costly file of several is refused, and the limit can be set', async () => {
  const api = await system.startApi({ MAX_ESTIMATED_SECONDS: 1 });
  const files = [{ bytes: await flat(100, 100) }, { bytes: await flat(5_000, 5_000, 'png') }];
  const { status, json } = await api.upload(form(files, { operations: 'filter:invert' }));
  expect(status).toBe(202);
  expect(json).toMatchObject({ jobs: [{ status: 'queued' }, { error: { code: 'too_costly', seen: 1.3 } }] });
  await system.take(queueNames.process);
});

it('an image that does not say its size in the beginning counts as the largest', async () => {
  const api = await system.startApi();
  const jpeg = Buffer.from(await flat(100, 100));
  const comment = Buffer.alloc(65_537);
  comment.writeUInt32BE(0xfffeffff);
  const bytes = new Uint8Array(
    Buffer.concat([jpeg.subarray(0, 2), ...Array.from({ length: 5 }, () => comment), jpeg.subarray(2)]),
  );
  const upload = (operations: string) => api.upload(form([{ bytes }], { operations }));
  expect(await upload(filters(10, 'blur'))).toMatchObject({ status: 422, json: { seen: 6.9 } });
  expect((await upload('resize,watermark')).status).toBe(202);
  await system.take(queueNames.process);
});

it.each([
  ['costly only if it is rotated', [5_000, 1_000], { width: 1_000 }],
  ['too large unless it is rotated', [1_000, 2_000], { width: 4_000, enlarge: true }],
] as const)(
  'an image that is %s is refused, because EXIF may rotate it',
  async (_what, [width, height], resize) => {
    const api = await system.startApi({ MAX_ESTIMATED_SECONDS: 1 });
    const blurs = Array.from({ length: 9 }, () => ({ type: 'filter', name: 'blur' }));
    const operations = JSON.stringify([{ type: 'resize', ...resize }, ...blurs]);
    const response = await api.upload(form([{ bytes: await flat(width, height) }], { operations }));
    expect(response).toMatchObject({ status: 422, json: { code: 'too_costly' } });
  },
);
