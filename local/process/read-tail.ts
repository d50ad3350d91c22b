import { open } from 'node:fs/promises';

/**
 * The last bytes of a file as text, from a line's start; empty if there is no such file.
 * @param maxBytes how much at most
 * @param from bytes before this offset are left out: what was in the file before something began
 */
export async function readTail(path: string, { maxBytes = 4_096, from = 0 } = {}): Promise<string> {
  let file;
  try {
    file = await open(path);
  } catch {
    return '';
  }
  try {
    const { size } = await file.stat();
    const start = Math.max(from <= size ? from : 0, size - maxBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const text = buffer.subarray(0, bytesRead).toString('utf8');
    const cutMidLine = start > 0 && start !== from;
    return (cutMidLine ? text.slice(text.indexOf('\n') + 1) : text).trimEnd();
  } finally {
    await file.close();
  }
}
