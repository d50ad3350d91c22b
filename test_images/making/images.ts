import sharp from 'sharp';
import { animation, deepGradient, fadingDisc, photo, turnedPhoto } from './pictures.ts';
import { completes, fails, refused, type TestImage } from './test-image.ts';

const DEFAULT = 'resize,watermark';
const FULL = 'resize:800x600,watermark:Hello,filter:sepia';
const DELAY = Array.from({ length: 8 }, () => 120);

let photograph: Promise<Buffer> | undefined;
/** Drawn once: it takes two seconds. */
const sample = () =>
  (photograph ??= photo(1920, 1280).then((image) => image.jpeg({ quality: 85 }).toBuffer()));
const small = () => photo(480, 320);

export const testImages: readonly TestImage[] = [
  completes(
    { file: 'sample.jpg', description: 'a photograph, 1920 × 1280 px', make: sample },
    FULL,
    '800x533 image/jpeg',
  ),
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((orientation) =>
    completes(
      {
        file: `orientation-${orientation}.jpg`,
        description: `a photograph that is upright only by EXIF orientation ${orientation}`,
        make: () => turnedPhoto(orientation),
      },
      'resize:180',
      '180x120 image/jpeg',
    ),
  ),
  completes(
    {
      file: 'metadata.jpg',
      description: 'a JPEG that tells where it was taken and by whom: none of it may be in the result',
      make: async () => {
        const exif = {
          IFD0: { Artist: 'A. Nonymous', Copyright: 'secret' },
          IFD3: {
            GPSLatitudeRef: 'N',
            GPSLatitude: '60/1 10/1 0/1',
            GPSLongitudeRef: 'E',
            GPSLongitude: '24/1 56/1 0/1',
          },
        };
        return (await small())
          .withExif(exif)
          .withMetadata({ orientation: 6 })
          .jpeg({ quality: 80 })
          .toBuffer();
      },
    },
    DEFAULT,
    '320x480 image/jpeg',
  ),
  completes(
    {
      file: 'progressive.jpg',
      description: 'a progressive JPEG',
      make: async () => (await small()).jpeg({ progressive: true }).toBuffer(),
    },
    FULL,
    '480x320 image/jpeg',
  ),
  completes(
    {
      file: 'grey.jpg',
      description: 'a JPEG of one component',
      make: async () => (await small()).greyscale().jpeg().toBuffer(),
    },
    FULL,
    '480x320 image/jpeg',
  ),
  completes(
    {
      file: 'cmyk.jpg',
      description: 'a JPEG for print, in CMYK',
      make: async () => (await small()).toColourspace('cmyk').jpeg({ quality: 80 }).toBuffer(),
    },
    DEFAULT,
    '480x320 image/jpeg',
  ),
  completes(
    {
      file: 'display-p3.jpg',
      description: 'a JPEG with the ICC profile of a phone',
      make: async () => (await small()).withIccProfile('p3').jpeg({ quality: 80 }).toBuffer(),
    },
    DEFAULT,
    '480x320 image/jpeg',
  ),
  completes(
    {
      file: 'trailing.jpg',
      description: 'a JPEG with a script behind its end, which may not be in the result',
      make: async () =>
        Buffer.concat([
          await (await small()).jpeg({ quality: 80 }).toBuffer(),
          Buffer.from('<script>alert(1)</script>'),
        ]),
    },
    DEFAULT,
    '480x320 image/jpeg',
  ),
  completes(
    {
      file: 'jpeg-named.png',
      description: 'a JPEG with the name of a PNG: the bytes decide',
      make: async () => (await small()).jpeg({ quality: 80 }).toBuffer(),
    },
    DEFAULT,
    '480x320 image/jpeg',
  ),
  completes(
    { file: 'photo.png', description: 'a PNG', make: async () => (await photo(320, 213)).png().toBuffer() },
    'filter:grayscale',
    '320x213 image/png',
  ),
  completes(
    {
      file: 'transparency.png',
      description: 'a PNG with transparent corners and a soft edge',
      make: () => fadingDisc(300).png().toBuffer(),
    },
    'resize:100x100,filter:blur:2',
    '100x100 image/png',
  ),
  completes(
    {
      file: 'depth-16.png',
      description: 'a PNG of 16 bits a sample',
      make: () => deepGradient(256, 128).png().toBuffer(),
    },
    DEFAULT,
    '256x128 image/png',
  ),
  completes(
    {
      file: 'interlaced.png',
      description: 'an interlaced PNG',
      make: async () => (await photo(240, 160)).png({ progressive: true }).toBuffer(),
    },
    DEFAULT,
    '240x160 image/png',
  ),
  completes(
    {
      file: 'palette.png',
      description: 'a PNG with a palette',
      make: async () => (await photo(240, 160)).png({ palette: true, colours: 32 }).toBuffer(),
    },
    DEFAULT,
    '240x160 image/png',
  ),
  completes(
    {
      file: 'photo.webp',
      description: 'a WebP',
      make: async () => (await photo(1200, 800)).webp({ quality: 80 }).toBuffer(),
    },
    FULL,
    '800x533 image/webp',
  ),
  completes(
    {
      file: 'animated.webp',
      description: 'a WebP of 8 frames: the first counts',
      make: () => animation(120, 8).webp({ delay: DELAY, lossless: true }).toBuffer(),
    },
    DEFAULT,
    '120x120 image/webp',
  ),
  completes(
    {
      file: 'animated.gif',
      description: 'a GIF of 8 frames: the first counts, and becomes a PNG',
      make: () => animation(120, 8).gif({ delay: DELAY }).toBuffer(),
    },
    DEFAULT,
    '120x120 image/png',
  ),
  completes(
    {
      file: 'one-pixel.png',
      description: 'the smallest image there is',
      make: () => fadingDisc(1).png().toBuffer(),
    },
    FULL,
    '1x1 image/png',
  ),
  completes(
    {
      file: 'wide.jpg',
      description: 'a panorama, 6000 × 200 px',
      make: async () => (await photo(6000, 200)).jpeg({ quality: 70 }).toBuffer(),
    },
    'resize:3000x3000,watermark',
    '3000x100 image/jpeg',
  ),
  completes(
    {
      file: 'tall.jpg',
      description: 'a strip, 80 × 3000 px',
      make: async () => (await photo(80, 3000, '|')).jpeg({ quality: 70 }).toBuffer(),
    },
    'resize:600x600,watermark',
    '16x600 image/jpeg',
  ),
  fails(
    {
      file: 'corrupted.jpg',
      description:
        'a photograph cut off in the middle of its data: the experiment with the dead letter queue',
      make: async () => cut(await sample(), 0.6),
    },
    'undecodable_image',
  ),
  fails(
    {
      file: 'truncated.png',
      description: 'a PNG cut off in the middle of its data',
      make: async () => cut(await (await photo(240, 160)).png().toBuffer(), 0.5),
    },
    'undecodable_image',
  ),
  fails(
    {
      file: 'truncated.webp',
      description: 'a WebP cut off in the middle of its data',
      make: async () => cut(await (await small()).webp().toBuffer(), 0.5),
    },
    'undecodable_image',
  ),
  fails(
    {
      file: 'too-many-pixels.png',
      description: '108 megapixels in 100 KB: refused before it is decoded',
      make: () =>
        sharp({ create: { width: 12_000, height: 9_000, channels: 3, background: 'black' } })
          .toColourspace('b-w')
          .png({ compressionLevel: 9 })
          .toBuffer(),
    },
    'image_too_large',
  ),
  refused(
    { file: 'empty.jpg', description: 'no bytes at all', make: () => Buffer.alloc(0) },
    400,
    'empty_file',
  ),
  refused(
    {
      file: 'text.jpg',
      description: 'a text with the name of a JPEG',
      make: () => Buffer.from('This is a text, whatever its name says.\n'),
    },
    415,
    'unsupported_type',
  ),
  refused(
    {
      file: 'drawing.svg',
      description: 'an image, but of a type that is not taken',
      make: () =>
        Buffer.from(
          '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle cx="5" cy="5" r="4"/></svg>\n',
        ),
    },
    415,
    'unsupported_type',
  ),
];

function cut(file: Buffer, share: number): Buffer {
  return file.subarray(0, Math.floor(file.length * share));
}
