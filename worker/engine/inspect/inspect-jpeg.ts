import type { Size } from '@image-pipeline/shared/images/plan-steps.ts';
import { exifOrientation, type Orientation } from './exif-orientation.ts';
import { undecodable, type ImageHeader } from './image-header.ts';

export interface JpegImage extends ImageHeader {
  readonly format: 'jpeg';
  /** The file without what does not change the picture: comments, EXIF and other metadata, and data after its end. */
  readonly picture: Buffer;
}

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP2 = 0xe2;
const APP14 = 0xee;
const APP15 = 0xef;
const COM = 0xfe;
const TEM = 0x01;

/** What libjpeg does not decode, by the marker of the frame header (ITU-T T.81, table B.1). */
const UNSUPPORTED: Readonly<Record<number, string>> = {
  0xc5: 'hierarchical',
  0xc6: 'hierarchical',
  0xc7: 'hierarchical',
  0xcb: 'lossless arithmetic-coded',
  0xcd: 'hierarchical',
  0xce: 'hierarchical',
  0xcf: 'hierarchical',
};

/**
 * Reads a JPEG's markers from SOI to EOI, scans included. Data after the EOI is ignored: cameras append previews
 * there.
 * @throws PermanentFailure `undecodable_image` (a missing EOI included: decoders fill missing data with
 *   grey pixels), or a RangeError where the file is truncated
 */
export function inspectJpeg(file: Buffer): JpegImage {
  if (file.readUInt16BE(0) !== 0xff00 + SOI) throw undecodable('it has no JPEG signature');
  let frame: Size | undefined;
  let orientation: Orientation | undefined;
  let scans = 0;
  let pieces = 0;
  const kept: Buffer[] = [];
  let keptFrom = 0;

  let at = 2;
  for (; ; pieces++) {
    at = nextMarker(file, at);
    const marker = file.readUInt8(at - 1);
    if (marker === EOI) break;
    const length = file.readUInt16BE(at);
    const segment = file.subarray(at + 2, at + length);
    if (length < 2 || at + length > file.length) throw undecodable('a JPEG segment is truncated');

    if (isFrameHeader(marker)) {
      if (frame !== undefined) throw undecodable('the JPEG has more than one frame');
      frame = readFrameHeader(marker, segment);
    } else if (marker === APP1 && beginsWith(segment, 'Exif\0')) {
      orientation ??= exifOrientation(segment);
    } else if (marker === SOS) {
      scans += 1;
    }
    if (isMetadata(marker, segment)) {
      if (keptFrom < at - 2) kept.push(file.subarray(keptFrom, at - 2));
      keptFrom = at + length;
    }
    at += length;
  }
  if (frame === undefined || scans === 0) throw undecodable('the JPEG has no pixel data');
  kept.push(file.subarray(keptFrom, at));
  const { width, height } = frame;
  return {
    format: 'jpeg',
    width,
    height,
    orientation: orientation ?? 1,
    scans,
    pieces,
    picture: keptFrom === 0 ? file.subarray(0, at) : Buffer.concat(kept),
  };
}

/** Whether a segment has no influence on the pixels, as JFIF, an ICC profile and Adobe's colour transform have. */
function isMetadata(marker: number, segment: Buffer): boolean {
  if (marker === COM) return true;
  if (marker < APP0 || marker > APP15 || marker === APP0 || marker === APP14) return false;
  return marker !== APP2 || !beginsWith(segment, 'ICC_PROFILE\0');
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

function readFrameHeader(marker: number, segment: Buffer): Size {
  const precision = segment.readUInt8(0);
  const height = segment.readUInt16BE(1);
  const width = segment.readUInt16BE(3);
  const components = segment.readUInt8(5);
  const kind = UNSUPPORTED[marker];
  if (kind !== undefined) throw undecodable(`${kind} JPEG is not supported`);
  if (precision !== 8) throw undecodable(`JPEG with ${precision} bits per sample is not supported`);
  if (width === 0 || height === 0) throw undecodable(`invalid JPEG size: ${width} × ${height} px`);
  if (components !== 1 && components !== 3 && components !== 4) {
    throw undecodable(`invalid number of JPEG components: ${components}`);
  }
  return { width, height };
}

function beginsWith(segment: Buffer, name: string): boolean {
  return segment.toString('latin1', 0, name.length) === name;
}
