import type { Jimp } from 'jimp';

/** An image in memory: jimp's methods on a `Bitmap`. Most of them change it in place. */
export type Image = InstanceType<typeof Jimp>;
