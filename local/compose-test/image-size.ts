/** The first line of the Dockerfile's last stage that it shares with no base image. */
const FIRST_OF_OURS = /ENV NODE_ENV=development/;

/**
 * How large an image is, and what it is built on.
 * @param history what `docker history --no-trunc --human=false --format '{{.Size}} {{.CreatedBy}}'` writes: bytes, newest layer first
 * @returns bytes
 * @throws Error if the base image's layers cannot be distinguished from ours
 */
export function imageSize(history: string): { readonly total: number; readonly base: number } {
  const lines = history.split('\n').filter((line) => /^\d+ /.test(line));
  const firstOfOurs = lines.findLastIndex((line) => FIRST_OF_OURS.test(line));
  if (firstOfOurs === -1) throw new Error(`no layer of ours in:\n${history}`);
  return { total: sum(lines), base: sum(lines.slice(firstOfOurs + 1)) };
}

const sum = (lines: readonly string[]) =>
  lines.reduce((total, line) => total + Number(line.slice(0, line.indexOf(' '))), 0);
