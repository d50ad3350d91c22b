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
    { file: 'sample.jpg', description: 'a photo, 1920 × 1280 px', make: sample },
    FULL,
    '800x533 image/jpeg',
  ),
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((orientation) =>
    completes(
      {
        file: `orientation-${orientation}.jpg`,
        description: `a photo that is upright only with EXIF orientation ${orientation}`,
        make: () => turnedPhoto(orientation),
      },
      'resize:180',
      '180x120 image/jpeg',
    ),
  ),
  completes(
    {
      file: 'metadata.jpg',
      description: 'a JPEG with the place and the author in its metadata: the result must not contain them',
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
      description: 'a grayscale JPEG (one component)',
      make: async () => (await small()).greyscale().jpeg().toBuffer(),
    },
    FULL,
    '480x320 image/jpeg',
  ),
  completes(
    {
      file: 'cmyk.jpg',
      description: 'a CMYK JPEG',
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
      description: 'a JPEG with a script after its end: the result must not contain it',
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
      description: 'a JPEG named .png: the content decides',
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
      description: 'a PNG with 16 bits per sample',
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
      description: 'a WebP with 8 frames: only the first is used',
      make: () => animation(120, 8).webp({ delay: DELAY, lossless: true }).toBuffer(),
    },
    DEFAULT,
    '120x120 image/webp',
  ),
  completes(
    {
      file: 'animated.gif',
      description: 'a GIF with 8 frames: only the first is used, and the result is a PNG',
      make: () => animation(120, 8).gif({ delay: DELAY }).toBuffer(),
    },
    DEFAULT,
    '120x120 image/png',
  ),
  completes(
    {
      file: 'one-pixel.png',
      description: 'the smallest possible image',
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
      description: 'a truncated photo, for the dead-letter queue experiment',
      make: async () => cut(await sample(), 0.6),
    },
    'undecodable_image',
  ),
  fails(
    {
      file: 'truncated.png',
      description: 'a truncated PNG',
      make: async () => cut(await (await photo(240, 160)).png().toBuffer(), 0.5),
    },
    'undecodable_image',
  ),
  fails(
    {
      file: 'truncated.webp',
      description: 'a truncated WebP',
      make: async () => cut(await (await small()).webp().toBuffer(), 0.5),
    },
    'undecodable_image',
  ),
  fails(
    {
      file: 'too-many-pixels.png',
      description: '108 megapixels in 100 kB: rejected before it is decoded',
      make: () =>
        sharp({ create: { width: 12_000, height: 9_000, channels: 3, background: 'black' } })
          .toColourspace('b-w')
          .png({ compressionLevel: 9 })
          .toBuffer(),
    },
    'image_too_large',
  ),
  refused(
    { file: 'empty.jpg', description: 'an empty file', make: () => Buffer.alloc(0) },
    400,
    'empty_file',
  ),
  refused(
    {
      file: 'text.jpg',
      description: 'a text file named .jpg',
      make: () => Buffer.from('This is a text, whatever its name says.\n'),
    },
    415,
    'unsupported_type',
  ),
  refused(
    {
      file: 'drawing.svg',
      description: 'an image of an unsupported type',
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
