import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A whole number between both bounds, which it may be. */
export type Draw = (from: number, to: number) => number;

/** The same seed draws the same numbers for ever. */
export function drawFrom(seed: number): Draw {
  const generator = xoroshiro128plus(seed);
  return (from, to) => uniformInt(generator, from, to);
}
