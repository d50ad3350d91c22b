import { INVISIBLE } from '@image-pipeline/shared/printable.ts';

const MAX_NAME_BYTES = 255;

/** The client's file name, safe for display: well-formed, visible, at most 255 bytes of UTF-8. */
export function displayName(given: string): string {
  const visible = given.toWellFormed().replace(INVISIBLE, '').trim();
  return truncate(visible, MAX_NAME_BYTES) || 'image';
}

/** `photo.tar.png` → `photo.tar-suffix.jpg` */
export function renamed(name: string, suffix: string, extension: string): string {
  const dot = name.lastIndexOf('.');
  const stem = dot > 0 ? name.slice(0, dot) : name;
  const end = `${suffix}.${extension}`;
  return `${truncate(stem, MAX_NAME_BYTES - Buffer.byteLength(end))}${end}`;
}

/** The longest prefix of whole characters that fits. */
function truncate(text: string, maxBytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}
