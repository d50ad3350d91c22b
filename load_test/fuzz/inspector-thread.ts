import { parentPort, workerData } from 'node:worker_threads';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { checkInput, defaultImageLimits } from '../../worker/engine/image-limits.ts';
import { inspectImage } from '../../worker/engine/inspect/inspect-image.ts';
import { readCorpus } from './corpus.ts';
import { makeFile, type FuzzFile } from './make-file.ts';

/*
 * Inspects mutated files without decoding them. It runs in a thread, because an inspection may never end: the other
 * side reads from `current` which file it is at, and ends the thread.
 */

export interface InspectorTask {
  readonly seed: number;
  /** The first file. */
  readonly from: number;
  /** Its one element is the number of the file that is inspected. */
  readonly current: Int32Array;
}

/** The results of a batch, by code. */
export interface InspectedBatch {
  readonly counts: Readonly<Record<string, number>>;
  /** Files that another error than an expected one was thrown for. */
  readonly findings: readonly { readonly number: number; readonly what: string }[];
  /** The longest inspection, in milliseconds, and its file. */
  readonly slowest: { readonly ms: number; readonly number: number };
}

const BATCH = 100;

async function inspectForever({ seed, from, current }: InspectorTask): Promise<void> {
  const corpus = await readCorpus();
  for (let number = from; ; number += BATCH) {
    const counts: Record<string, number> = {};
    const findings: { number: number; what: string }[] = [];
    let slowest = { ms: 0, number };
    for (let n = number; n < number + BATCH; n++) {
      Atomics.store(current, 0, n);
      const file = makeFile(corpus, seed, n);
      const began = performance.now();
      const { code, finding } = inspect(file);
      const ms = performance.now() - began;
      counts[code] = (counts[code] ?? 0) + 1;
      if (finding !== undefined) findings.push({ number: n, what: finding });
      if (ms > slowest.ms) slowest = { ms, number: n };
    }
    parentPort?.postMessage({ counts, findings, slowest } satisfies InspectedBatch);
  }
}

function inspect({ bytes, type }: FuzzFile): { code: string; finding?: string } {
  try {
    checkInput(inspectImage(bytes, type), defaultImageLimits);
    return { code: 'accepted' };
  } catch (error) {
    if (error instanceof PipelineError) return { code: error.code };
    return { code: 'unexpected', finding: `the inspector threw ${String(error)}` };
  }
}

await inspectForever(workerData as InspectorTask);
