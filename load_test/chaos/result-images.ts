import type { StoredImage } from '@image-pipeline/shared/contracts/outcome.ts';
import type { ImageEvidence, JobEvidence } from './evidence.ts';

/** I2: the images that a completed job has promised and that are not there, or are others than it says. */
export function wrongImages({ outcome, images }: JobEvidence): string[] {
  if (outcome?.state !== 'completed') return [];
  return [outcome.result, outcome.thumbnail].flatMap((recorded) => {
    const problem = problemOf(
      recorded,
      images.find(({ key }) => key === recorded.key),
    );
    return problem === undefined ? [] : [`${recorded.key}: ${problem}`];
  });
}

/** Images that no outcome names: of an attempt that lost, or that died. */
export function orphanImages({ outcome, images }: JobEvidence): string[] {
  const named = outcome?.state === 'completed' ? [outcome.result.key, outcome.thumbnail.key] : [];
  return images.map(({ key }) => key).filter((key) => !named.includes(key));
}

function problemOf(recorded: StoredImage, found: ImageEvidence | undefined): string | undefined {
  if (found === undefined) return 'missing';
  if (found.size !== recorded.size) return `${found.size} bytes, recorded are ${recorded.size}`;
  if (found.sha256 !== recorded.sha256) return 'its SHA-256 is not the recorded one';
  if ('error' in found.decoded) return `cannot be decoded: ${found.decoded.error}`;
  const { width, height } = found.decoded;
  if (width === recorded.width && height === recorded.height) return undefined;
  return `${width}×${height}, recorded are ${recorded.width}×${recorded.height}`;
}
