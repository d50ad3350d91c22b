import exec from 'k6/execution';

/*
 * Settings come from `k6 run -e COUNT=100 …` or from the environment. A missing or empty one has its default.
 * They are read while k6 loads the script, so an invalid one ends the run before anything is sent.
 */

/** A whole number. Ends the run with one line that says what is allowed if it is invalid. */
export function wholeNumber(
  name: string,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  const given = text(name, String(fallback));
  const value = /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= min && value <= max) return value;
  return refuse(
    `${name}=${given} is invalid: use a whole number from ${min} to ${max}, e.g. ${name}=${fallback}`,
  );
}

/** A number that may have a fraction. */
export function decimalNumber(
  name: string,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  const given = text(name, String(fallback));
  const value = /^\d{1,9}(\.\d{1,6})?$/.test(given) ? Number(given) : Number.NaN;
  if (value >= min && value <= max) return value;
  return refuse(`${name}=${given} is invalid: use a number from ${min} to ${max}, e.g. ${name}=${fallback}`);
}

/** An http or https address, without a trailing slash. */
export function address(name: string, fallback: string): string {
  const given = text(name, fallback).replace(/\/+$/, '');
  if (/^https?:\/\/[^/\s]+$/.test(given)) return given;
  return refuse(`${name}=${given} is invalid: use an address such as ${fallback}`);
}

export function text(name: string, fallback = ''): string {
  const given = (__ENV[name] ?? '').trim();
  return given === '' ? fallback : given;
}

/** Ends the run with this line and exit code 108. */
export function refuse(message: string): never {
  exec.test.abort(message);
  throw new Error(message); // abort has thrown already; the compiler does not know
}

export interface Image {
  readonly name: string;
  readonly contentType: string;
  readonly bytes: ArrayBuffer;
}

/** Limit for the images in the memory of all virtual users, in bytes: each has its own copy. */
const MAX_TOTAL_BYTES = 2 * 1024 * 1024 * 1024;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
};

/**
 * The images to upload: the files of IMAGES, one path per line, or else the valid test images. Must be called while k6 loads
 * the script, because it cannot open files later.
 * @param virtualUsers number of copies in memory
 */
export function openImages(virtualUsers: number): readonly Image[] {
  const given = text('IMAGES');
  const images = given === '' ? testImages() : given.split('\n').map((path) => openImage(path.trim()));
  const bytes = images.reduce((sum, image) => sum + image.bytes.byteLength, 0);
  if (bytes * virtualUsers > MAX_TOTAL_BYTES) {
    const size = `${(bytes / 1e6).toFixed(0)} MB × ${virtualUsers} virtual users`;
    refuse(`IMAGES needs too much memory (${size}; the limit is 2 GiB): use fewer or smaller images.`);
  }
  return images;
}

/** The value of IMAGES in the result: without paths, which differ between machines. */
export function imagesSetting(images: readonly Image[]): string {
  return text('IMAGES') === '' ? 'test_images' : images.map(({ name }) => name).join(', ');
}

function testImages(): readonly Image[] {
  const folder = '../../test_images';
  const manifest = JSON.parse(open(import.meta.resolve(`${folder}/manifest.json`))) as {
    file: string;
    state?: string;
  }[];
  return manifest
    .filter(({ state }) => state === 'completed')
    .map(({ file }) => imageOf(file, open(import.meta.resolve(`${folder}/${file}`), 'b')));
}

function openImage(path: string): Image {
  // k6 resolves relative paths from the folder of the script, but users mean the current folder.
  const absolute = path.startsWith('/') || __ENV.PWD === undefined ? path : `${__ENV.PWD}/${path}`;
  try {
    return imageOf(path.split(/[/\\]/).pop() ?? path, open(absolute, 'b'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const hint = reason.includes('director')
      ? `k6 cannot list a folder: use -e IMAGES="$(ls -d ${path}/*.jpg)" or make load-bulk IMAGES=${path}`
      : 'use paths of image files, one per line';
    return refuse(`IMAGES: cannot open ${path} (${reason}); ${hint}`);
  }
}

function imageOf(name: string, bytes: ArrayBuffer): Image {
  const extension = (name.split('.').pop() ?? '').toLowerCase();
  return { name, contentType: CONTENT_TYPES[extension] ?? 'application/octet-stream', bytes };
}
