import { refuse, text } from './settings.ts';

export interface Image {
  readonly name: string;
  readonly contentType: string;
  readonly bytes: ArrayBuffer;
}

/** What the images may take in the memory of all virtual users together, in bytes: each has its own copy. */
const MAX_TOTAL_BYTES = 2 * 1024 * 1024 * 1024;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
};

/**
 * The images to send: the files of IMAGES, a path a line, or else those test images that the pipeline completes. To be
 * called while k6 loads the script, for it opens no files later.
 * @param virtualUsers how many will hold them in memory
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

/** How IMAGES reads in the result: the paths would differ from machine to machine. */
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
  // k6 would take a relative path from the script's folder; people mean the folder that they are in.
  const absolute = path.startsWith('/') || __ENV.PWD === undefined ? path : `${__ENV.PWD}/${path}`;
  try {
    return imageOf(path.split(/[/\\]/).pop() ?? path, open(absolute, 'b'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const hint = reason.includes('director')
      ? `k6 cannot list a folder: use -e IMAGES="$(ls -d ${path}/*.jpg)" or make load-bulk IMAGES=${path}`
      : 'use paths of image files, one a line';
    return refuse(`IMAGES: cannot open ${path} (${reason}); ${hint}`);
  }
}

function imageOf(name: string, bytes: ArrayBuffer): Image {
  const extension = (name.split('.').pop() ?? '').toLowerCase();
  return { name, contentType: CONTENT_TYPES[extension] ?? 'application/octet-stream', bytes };
}
