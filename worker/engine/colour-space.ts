import type { Bitmap } from './bitmap.ts';

/** A colour space of RGB values that is described by formulas, without an ICC profile. */
export interface ColourSpace {
  /** The light of a stored value, both from 0 to 1; light may be above 1, which is then white. */
  readonly light: (value: number) => number;
  /** Primaries and white point, unless they are those of sRGB. */
  readonly primaries: Primaries | undefined;
}

/** CIE x and y of each. */
export interface Primaries {
  readonly red: Chromaticity;
  readonly green: Chromaticity;
  readonly blue: Chromaticity;
  readonly white: Chromaticity;
}
export type Chromaticity = readonly [x: number, y: number];

type Vector = readonly [number, number, number];
/** Rows. */
type Matrix = readonly [Vector, Vector, Vector];

export const D65: Chromaticity = [0.3127, 0.329];
export const SRGB_PRIMARIES: Primaries = {
  red: [0.64, 0.33],
  green: [0.3, 0.6],
  blue: [0.15, 0.06],
  white: D65,
};

/** IEC 61966-2-1. */
export function srgbLight(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function srgbValue(light: number): number {
  return light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
}

/** Steps of the table of sRGB values by light: near black, where values change most, a fifth of an 8-bit level each. */
const LIGHT_STEPS = 16_384;

/**
 * Converts pixels to 8-bit sRGB.
 * @param pixels of 8 or 16 bits per channel: RGB, or RGBA that is not premultiplied
 */
export function toSrgb(
  pixels: Uint8Array | Uint16Array,
  { width, height, channels }: Omit<Bitmap, 'data'>,
  { light, primaries }: ColourSpace,
): Bitmap {
  const data = Buffer.alloc(pixels.length);
  const bits = 8 * pixels.BYTES_PER_ELEMENT;
  const largest = 2 ** bits - 1;
  const lights = Float32Array.from({ length: largest + 1 }, (_, value) => clamp(light(value / largest)));
  const values = Uint8Array.from({ length: LIGHT_STEPS + 1 }, (_, i) =>
    Math.round(255 * srgbValue(i / LIGHT_STEPS)),
  );
  const [r, g, b] = primaries === undefined ? IDENTITY : toSrgbMatrix(primaries);
  const valueAt = (lit: number) => values[Math.round(clamp(lit) * LIGHT_STEPS)] ?? 0;

  for (let i = 0; i < pixels.length; i += channels) {
    const red = lights[pixels[i] ?? 0] ?? 0;
    const green = lights[pixels[i + 1] ?? 0] ?? 0;
    const blue = lights[pixels[i + 2] ?? 0] ?? 0;
    data[i] = valueAt(r[0] * red + r[1] * green + r[2] * blue);
    data[i + 1] = valueAt(g[0] * red + g[1] * green + g[2] * blue);
    data[i + 2] = valueAt(b[0] * red + b[1] * green + b[2] * blue);
    if (channels === 4) data[i + 3] = (pixels[i + 3] ?? 0) >> (bits - 8);
  }
  return { data, width, height, channels };
}

function clamp(light: number): number {
  return Math.min(1, Math.max(0, light));
}

const IDENTITY: Matrix = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/** From light in these primaries to light in those of sRGB; white stays white (Bradford's adaptation, ICC.1:2022, annex E). */
function toSrgbMatrix(primaries: Primaries): Matrix {
  const adapted = multiply(adaptation(primaries.white, D65), xyzMatrix(primaries));
  return multiply(inverse(xyzMatrix(SRGB_PRIMARIES)), adapted);
}

/** From light in these primaries to CIE XYZ, in which white has Y = 1. */
function xyzMatrix({ red, green, blue, white }: Primaries): Matrix {
  const [r, g, b] = [xyz(red), xyz(green), xyz(blue)];
  const columns: Matrix = [
    [r[0], g[0], b[0]],
    [r[1], g[1], b[1]],
    [r[2], g[2], b[2]],
  ];
  return multiply(columns, diagonal(apply(inverse(columns), xyz(white))));
}

function xyz([x, y]: Chromaticity): Vector {
  return [x / y, 1, (1 - x - y) / y];
}

const BRADFORD: Matrix = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];

function adaptation(from: Chromaticity, to: Chromaticity): Matrix {
  const [l, m, s] = apply(BRADFORD, xyz(from));
  const [toL, toM, toS] = apply(BRADFORD, xyz(to));
  return multiply(inverse(BRADFORD), multiply(diagonal([toL / l, toM / m, toS / s]), BRADFORD));
}

function diagonal([a, b, c]: Vector): Matrix {
  return [
    [a, 0, 0],
    [0, b, 0],
    [0, 0, c],
  ];
}

function apply([a, b, c]: Matrix, vector: Vector): Vector {
  return [dot(a, vector), dot(b, vector), dot(c, vector)];
}

function multiply(left: Matrix, right: Matrix): Matrix {
  const [a, b, c] = transpose(right);
  return transpose([apply(left, a), apply(left, b), apply(left, c)]);
}

function inverse([a, b, c]: Matrix): Matrix {
  const [bc, ca, ab] = [cross(b, c), cross(c, a), cross(a, b)];
  const determinant = dot(a, bc);
  const scaled = ([x, y, z]: Vector): Vector => [x / determinant, y / determinant, z / determinant];
  return transpose([scaled(bc), scaled(ca), scaled(ab)]);
}

function transpose([a, b, c]: Matrix): Matrix {
  return [
    [a[0], b[0], c[0]],
    [a[1], b[1], c[1]],
    [a[2], b[2], c[2]],
  ];
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}
