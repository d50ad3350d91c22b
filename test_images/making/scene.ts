/** 8-bit RGB, row by row. */
export interface Scene {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

type Colour = readonly [red: number, green: number, blue: number];

const SKY: Colour = [58, 110, 178];
const HORIZON: Colour = [250, 190, 130];
const SUN: Colour = [255, 244, 214];
const CLOUD: Colour = [255, 238, 226];
const WATER: Colour = [24, 52, 84];
/** From the farthest ridge to the nearest; middle (of its height) and roughness relative to the image. */
const RIDGES: readonly { colour: Colour; middle: number; roughness: number }[] = [
  { colour: [150, 140, 165], middle: 0.5, roughness: 0.16 },
  { colour: [92, 98, 130], middle: 0.57, roughness: 0.18 },
  { colour: [38, 62, 66], middle: 0.66, roughness: 0.12 },
];
const SHORE = 0.72;
/** Of the film, in levels. */
const GRAIN = 7;

/** A lake before mountains at sunset: gradients, texture, hard edges and grain, as photographs have them. */
export function drawScene(width: number, height: number): Scene {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      const grain = (hash(x, y) - 0.5) * 2 * GRAIN;
      const colour = colourAt(x / height, y / height, width / height);
      for (let channel = 0; channel < 3; channel++) {
        data[at + channel] = Math.min(255, Math.max(0, Math.round((colour[channel] ?? 0) + grain)));
      }
    }
  }
  return { data, width, height };
}

/** @param x and y relative to the height @param aspect width / height */
function colourAt(x: number, y: number, aspect: number): Colour {
  if (y < SHORE) return landAt(x, y, aspect);
  const depth = (y - SHORE) / (1 - SHORE);
  const ripple = (fractalNoise(x * 6, (y - SHORE) * 90) - 0.5) * 0.06 * (0.3 + depth);
  return mix(landAt(x + ripple, SHORE - (y - SHORE) + ripple, aspect), WATER, 0.35 + 0.4 * depth);
}

function landAt(x: number, y: number, aspect: number): Colour {
  let colour = skyAt(x, y, aspect);
  RIDGES.forEach((ridge, index) => {
    const top = ridge.middle - (fractalNoise(x * 2.3 + index * 17, index * 5) - 0.35) * ridge.roughness;
    if (y > top) {
      const texture = fractalNoise(x * 40, y * 40 + index * 9);
      colour = mix(ridge.colour, [0, 0, 0], 0.45 * texture * Math.min(1, (y - top) * 6));
    }
  });
  return colour;
}

function skyAt(x: number, y: number, aspect: number): Colour {
  const sky = mix(SKY, HORIZON, Math.min(1, (y / SHORE) ** 1.6));
  const distance = Math.hypot(x - aspect * 0.68, y - 0.36);
  const clouds = Math.max(0, fractalNoise(x * 3, y * 9) - 0.5) * 1.6;
  const clouded = mix(sky, CLOUD, Math.min(0.8, clouds));
  return mix(clouded, SUN, distance < 0.05 ? 1 : Math.min(0.9, 0.018 / distance ** 1.3));
}

function mix(from: Colour, to: Colour, share: number): Colour {
  const channel = (index: 0 | 1 | 2) => from[index] + (to[index] - from[index]) * share;
  return [channel(0), channel(1), channel(2)];
}

/** A number from 0 to 1 that looks like chance, but is the same for the same integers on every machine. */
function hash(x: number, y: number): number {
  let bits = Math.imul(x, 374_761_393) + Math.imul(y, 668_265_263);
  bits = Math.imul(bits ^ (bits >>> 13), 1_274_126_177);
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}

/** Value noise: `hash` at integers, smooth in between. */
function smoothNoise(x: number, y: number): number {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const [right, down] = [ease(x - column), ease(y - row)];
  const top = hash(column, row) * (1 - right) + hash(column + 1, row) * right;
  const bottom = hash(column, row + 1) * (1 - right) + hash(column + 1, row + 1) * right;
  return top * (1 - down) + bottom * down;
}

/** Four octaves of noise, each twice as fine and half as strong; from 0 to 1. */
function fractalNoise(x: number, y: number): number {
  let sum = 0;
  for (let octave = 0; octave < 4; octave++) {
    sum += smoothNoise(x * 2 ** octave, y * 2 ** octave) / 2 ** (octave + 1);
  }
  return sum / (1 - 2 ** -4);
}

function ease(t: number): number {
  return t * t * (3 - 2 * t);
}
