import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import { drawScene } from './scene.ts';

const FONT_FILE = fileURLToPath(
  import.meta.resolve('@expo-google-fonts/noto-sans/400Regular/NotoSans_400Regular.ttf'),
);

/** The scene with a caption, in sRGB; sizes in pixels. */
export async function photo(width: number, height: number, caption = 'test image'): Promise<Sharp> {
  const { data } = drawScene(width, height);
  const text = {
    text: `<span foreground="white">${caption}</span>`,
    fontfile: FONT_FILE,
    font: `Noto Sans ${Math.max(8, Math.round(height / 14))}`,
    dpi: 72,
    rgba: true,
  };
  const margin = Math.round(height / 30);
  const drawn = await sharp({ text }).png().toBuffer({ resolveWithObject: true });
  const place = { left: margin, top: height - drawn.info.height - margin };
  const pixels = await sharp(data, { raw: { width, height, channels: 3 } })
    .composite([{ input: drawn.data, ...place }])
    .removeAlpha()
    .raw()
    .toBuffer();
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** A photo stored as a camera does that was held otherwise: only its EXIF orientation makes it upright. */
export async function turnedPhoto(orientation: number): Promise<Buffer> {
  const png = await (await photo(360, 240, `orientation ${orientation}`)).png().toBuffer();
  const upright = () => sharp(png);
  const turned = async (degrees: number) => sharp(await upright().rotate(degrees).png().toBuffer());
  const stored = [
    upright,
    () => upright().flop(),
    () => turned(180),
    () => upright().flip(),
    async () => (await turned(90)).flop(),
    () => turned(270),
    async () => (await turned(270)).flop(),
    () => turned(90),
  ][orientation - 1];
  if (stored === undefined) throw new RangeError(`Invalid EXIF orientation ${orientation}: use 1 to 8.`);
  return (await stored()).withMetadata({ orientation }).jpeg({ quality: 80 }).toBuffer();
}

/** A red disc whose edge fades into nothing, in a file whose corners are transparent. */
export function fadingDisc(size: number): Sharp {
  const data = Buffer.alloc(size * size * 4);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const distance = Math.hypot(x - size / 2, y - size / 2) / (size / 2);
      const alpha = Math.min(1, Math.max(0, (1 - distance) * 2));
      data.set([220, 40, 60, Math.round(alpha * 255)], (y * size + x) * 4);
    }
  }
  return sharp(data, { raw: { width: size, height: size, channels: 4 } });
}

/** A gradient of 65,536 levels. */
export function deepGradient(width: number, height: number): Sharp {
  const data = new Uint16Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    data.set([(x / (width - 1)) * 65_535, (y / (height - 1)) * 65_535, 32_768], i * 3);
  }
  return sharp(data, { raw: { width, height, channels: 3 } }).toColourspace('rgb16');
}

/** A ball that moves in a circle: frames of `size` × `size` px, one above the other. */
export function animation(size: number, frames: number): Sharp {
  const data = Buffer.alloc(size * size * frames * 4, Buffer.from([250, 250, 240, 255]));
  for (let frame = 0; frame < frames; frame++) {
    const angle = (frame / frames) * 2 * Math.PI;
    const [ballX, ballY] = [size * (0.5 + 0.3 * Math.cos(angle)), size * (0.5 + 0.3 * Math.sin(angle))];
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        if (Math.hypot(x - ballX, y - ballY) < size / 8)
          data.set([30, 90, 200], ((frame * size + y) * size + x) * 4);
      }
    }
  }
  return sharp(data, { raw: { width: size, height: size * frames, channels: 4, pageHeight: size } });
}
