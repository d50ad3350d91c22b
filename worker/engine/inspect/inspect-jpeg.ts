import { exifOrientation, type Orientation } from './exif-orientation.ts';
import { undecodable, type ImageHeader } from './image-header.ts';

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP1 = 0xe1;
const TEM = 0x01;

/**
 * Reads a JPEG's markers from SOI to EOI, scans included. Data after the EOI is ignored: cameras append previews
 * there.
 * @throws PermanentFailure `undecodable_image` (a missing EOI included: decoders fill missing data with
 *   grey pixels), or a RangeError where the file is truncated
 */
export function inspectJpeg(file: Buffer): ImageHeader {
  if (file.readUInt16BE(0) !== 0xff00 + SOI) throw undecodable('it has no JPEG signature');
  let frame: ReturnType<typeof readFrameHeader> | undefined;
  let orientation: Orientation | undefined;
  let scans = 0;

  for (let at = 2; ;) {
    at = nextMarker(file, at);
    const marker = file.readUInt8(at - 1);
    if (marker === EOI) break;
    const length = file.readUInt16BE(at);
    const segment = file.subarray(at + 2, at + length);
    if (length < 2 || at + length > file.length) throw undecodable('a JPEG segment is truncated');
    at += length;

    if (isFrameHeader(marker)) {
      if (frame !== undefined) throw undecodable('the JPEG has more than one frame');
      frame = readFrameHeader(marker, segment);
    } else if (marker === APP1 && beginsWith(segment, 'Exif\0')) {
      orientation ??= exifOrientation(segment);
    } else if (marker === SOS) {
      scans += 1;
    }
  }
  if (frame === undefined || scans === 0) throw undecodable('the JPEG has no pixel data');
  const { width, height } = frame;
  return {
    format: 'jpeg',
    width,
    height,
    orientation: orientation ?? 1,
    frames: 1,
    totalPixels: width * height,
    scans,
  };
}

/**
 * Where the next marker ends, skipping everything else: entropy-coded data, in which 0xff is followed by 0
 * or stands before a restart marker, and fill bytes.
 */
function nextMarker(file: Buffer, from: number): number {
  for (let at = file.indexOf(0xff, from); at !== -1 && at + 1 < file.length; at = file.indexOf(0xff, at)) {
    const code = file.readUInt8(at + 1);
    const isRestart = code >= 0xd0 && code <= 0xd7;
    if (code === 0xff) at += 1;
    else if (code === 0 || code === TEM || isRestart) at += 2;
    else return at + 2;
  }
  throw undecodable('the JPEG ends before its end marker');
}

/** SOF0–SOF15, without the three codes in that range that mean something else (DHT, JPG, DAC). */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readFrameHeader(marker: number, segment: Buffer) {
  const precision = segment.readUInt8(0);
  const height = segment.readUInt16BE(1);
  const width = segment.readUInt16BE(3);
  const components = segment.readUInt8(5);
  // SOF0 baseline, SOF1 extended, SOF2 progressive; decoders do not support lossless, hierarchical and arithmetic
  // coding.
  if (marker > 0xc2 || precision !== 8) throw undecodable('this kind of JPEG is not supported');
  if (width === 0 || height === 0) throw undecodable(`invalid JPEG size: ${width} × ${height} px`);
  if (components !== 1 && components !== 3 && components !== 4) {
    throw undecodable(`invalid number of JPEG components: ${components}`);
  }
  return { width, height };
}

function beginsWith(segment: Buffer, name: string): boolean {
  return segment.toString('latin1', 0, name.length) === name;
}
