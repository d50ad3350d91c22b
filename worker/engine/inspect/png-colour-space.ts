import { inflateSync } from 'node:zlib';
import {
  type Chromaticity,
  type ColourSpace,
  D65,
  type Primaries,
  SRGB_PRIMARIES,
  srgbLight,
} from '../colour-space.ts';
import { GREY, GREY_AND_ALPHA, type PngHeader } from './png-header.ts';

/** A larger profile is not usable; those for displays and printers have at most a few MB. */
const MAX_PROFILE_BYTES = 8 * 1024 * 1024;
/** The header of an ICC profile, and the number of its tags. */
const MIN_PROFILE_BYTES = 132;

/** gAMA of 1 / 2.2, by which sRGB is described. */
const SRGB_GAMMA = 0.45455;
/** A gamma that differs by less counts as that of sRGB, as in libpng. */
const GAMMA_TOLERANCE = 0.05;
/** The gammas that libpng takes for valid. */
const GAMMAS = { smallest: 0.00016, largest: 6250 };
/** Primaries that differ by less count as those of sRGB. */
const PRIMARIES_TOLERANCE = 0.002;

/**
 * The colour space of a PNG by its chunks, in their order of precedence: cICP, iCCP, sRGB, then gAMA and cHRM (PNG 3rd
 * edition, 4.3). What is invalid is ignored.
 * @param chunks their data by type
 * @param header of the PNG: a profile must be for its kind of colours
 * @returns 'profile' if the ICC profile counts
 */
export function pngColourSpace(
  chunks: ReadonlyMap<string, Buffer>,
  { colourType }: Pick<PngHeader, 'colourType'>,
): ColourSpace | 'srgb' | 'profile' {
  const coded = readCicp(chunks.get('cICP'));
  if (coded !== undefined) return coded;
  if (isUsableProfile(chunks.get('iCCP'), colourType)) return 'profile';
  if (chunks.has('sRGB')) return 'srgb';
  const gamma = readGamma(chunks.get('gAMA'));
  const primaries = readChromaticities(chunks.get('cHRM'));
  if (gamma === undefined && primaries === undefined) return 'srgb';
  return { light: gamma === undefined ? srgbLight : power(1 / gamma), primaries };
}

/** Whether an iCCP chunk contains an ICC profile for such colours; the checks are those of libpng. */
function isUsableProfile(data: Buffer | undefined, colourType: number): boolean {
  const nameEnd = data?.indexOf(0) ?? -1;
  if (data === undefined || nameEnd < 1 || nameEnd > 79 || data[nameEnd + 1] !== 0) return false;
  let profile: Buffer;
  try {
    profile = inflateSync(data.subarray(nameEnd + 2), { maxOutputLength: MAX_PROFILE_BYTES });
  } catch {
    return false;
  }
  if (profile.length < MIN_PROFILE_BYTES || profile.readUInt32BE(0) !== profile.length) return false;
  const text = (at: number) => profile.toString('latin1', at, at + 4);
  const isGrey = colourType === GREY || colourType === GREY_AND_ALPHA;
  return text(36) === 'acsp' && text(16) === (isGrey ? 'GRAY' : 'RGB ') && /^(XYZ|Lab) $/.test(text(20));
}

/** An integer of a chunk is the number times 100,000. */
function fixedPoint(data: Buffer, at: number): number {
  return data.readInt32BE(at) / 100_000;
}

function readGamma(data: Buffer | undefined): number | undefined {
  if (data?.length !== 4) return undefined;
  const gamma = fixedPoint(data, 0);
  const isValid = gamma >= GAMMAS.smallest && gamma <= GAMMAS.largest;
  return isValid && Math.abs(gamma / SRGB_GAMMA - 1) > GAMMA_TOLERANCE ? gamma : undefined;
}

function readChromaticities(data: Buffer | undefined): Primaries | undefined {
  if (data?.length !== 32) return undefined;
  const at = (index: number): Chromaticity => [fixedPoint(data, index * 8), fixedPoint(data, index * 8 + 4)];
  const primaries = { white: at(0), red: at(1), green: at(2), blue: at(3) };
  return isPossible(primaries) && !areThoseOfSrgb(primaries) ? primaries : undefined;
}

/** Whether these are colours, and the white is between the others. */
function isPossible({ red, green, blue, white }: Primaries): boolean {
  const isColour = ([x, y]: Chromaticity) => x >= 0 && y > 0 && x + y <= 1;
  const side = (a: Chromaticity, b: Chromaticity) =>
    (b[0] - a[0]) * (white[1] - a[1]) - (b[1] - a[1]) * (white[0] - a[0]);
  const sides = [side(red, green), side(green, blue), side(blue, red)];
  const isInside = sides.every((value) => value > 1e-6) || sides.every((value) => value < -1e-6);
  return isInside && [red, green, blue, white].every(isColour);
}

function areThoseOfSrgb(primaries: Primaries): boolean {
  return (['red', 'green', 'blue', 'white'] as const).every((name) =>
    primaries[name].every(
      (value, i) => Math.abs(value - (SRGB_PRIMARIES[name][i] ?? 0)) < PRIMARIES_TOLERANCE,
    ),
  );
}

/** Primaries by their code: ITU-T H.273, table 2. */
const CODED_PRIMARIES: Readonly<Record<number, Primaries>> = {
  1: SRGB_PRIMARIES,
  4: { red: [0.67, 0.33], green: [0.21, 0.71], blue: [0.14, 0.08], white: [0.31, 0.316] },
  5: { red: [0.64, 0.33], green: [0.29, 0.6], blue: [0.15, 0.06], white: D65 },
  6: { red: [0.63, 0.34], green: [0.31, 0.595], blue: [0.155, 0.07], white: D65 },
  7: { red: [0.63, 0.34], green: [0.31, 0.595], blue: [0.155, 0.07], white: D65 },
  9: { red: [0.708, 0.292], green: [0.17, 0.797], blue: [0.131, 0.046], white: D65 },
  11: { red: [0.68, 0.32], green: [0.265, 0.69], blue: [0.15, 0.06], white: [0.314, 0.351] },
  12: { red: [0.68, 0.32], green: [0.265, 0.69], blue: [0.15, 0.06], white: D65 },
  22: { red: [0.63, 0.34], green: [0.295, 0.605], blue: [0.155, 0.077], white: D65 },
};

/** Light by the code of the transfer function: ITU-T H.273, table 3. */
const CODED_TRANSFERS: Readonly<Record<number, (value: number) => number>> = {
  1: bt709Light,
  4: power(2.2),
  5: power(2.8),
  6: bt709Light,
  8: power(1),
  13: srgbLight,
  14: bt709Light,
  15: bt709Light,
  16: pqLight,
  18: hlgLight,
};

/** The four bytes of a cICP chunk: primaries, transfer function, matrix (0 = RGB), and whether the range is full. */
function readCicp(data: Buffer | undefined): ColourSpace | 'srgb' | undefined {
  if (data?.length !== 4) return undefined;
  const [primaries = 0, transfer = 0, matrix = 0, fullRange = 0] = data;
  const coded = CODED_PRIMARIES[primaries];
  const light = CODED_TRANSFERS[transfer];
  if (coded === undefined || light === undefined || matrix !== 0 || fullRange > 1) return undefined;
  if (light === srgbLight && fullRange === 1 && areThoseOfSrgb(coded)) return 'srgb';
  return {
    light: fullRange === 1 ? light : (value) => light(Math.max(0, (value * 255 - 16) / 219)),
    primaries: areThoseOfSrgb(coded) ? undefined : coded,
  };
}

function power(exponent: number): (value: number) => number {
  return (value) => value ** exponent;
}

function bt709Light(value: number): number {
  return value < 0.0812429 ? value / 4.5 : ((value + 0.0992968) / 1.0992968) ** (1 / 0.45);
}

/** The white of a picture in a high dynamic range, in cd/m² (ITU-R BT.2408); what is brighter becomes white. */
const HDR_WHITE = 203;

/** SMPTE ST 2084. */
function pqLight(value: number): number {
  const root = value ** (32 / 2523);
  const ratio = Math.max(0, root - 0.8359375) / (18.8515625 - 18.6875 * root);
  return (10_000 / HDR_WHITE) * ratio ** (8192 / 1305);
}

/** ITU-R BT.2100 on a display of 1000 cd/m², with its system gamma of 1.2 applied to each channel by itself. */
function hlgLight(value: number): number {
  const scene =
    value <= 0.5 ? value ** 2 / 3 : (Math.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12;
  return (1000 / HDR_WHITE) * scene ** 1.2;
}
