/** A number from 0 to 1 that looks like chance, but is the same for the same integers on every machine. */
export function hash(x: number, y: number): number {
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
export function fractalNoise(x: number, y: number): number {
  let sum = 0;
  for (let octave = 0; octave < 4; octave++) {
    sum += smoothNoise(x * 2 ** octave, y * 2 ** octave) / 2 ** (octave + 1);
  }
  return sum / (1 - 2 ** -4);
}

function ease(t: number): number {
  return t * t * (3 - 2 * t);
}
