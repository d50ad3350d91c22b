import { expect, it } from 'vitest';
import { tempFolder } from '../../testing/temp-folder.ts';
import { FuzzRun } from './fuzz-run.ts';

/** Of the files; starting the system takes longer. */
const SECONDS = 8;
const SEED = 20_261_129;

it('damaged images of every kind are processed or refused, and nothing crashes or hangs', async () => {
  await using folder = await tempFolder();
  await using run = new FuzzRun({ seed: SEED, seconds: SECONDS, folder: folder.path, say: () => undefined });
  const report = await run.run();
  expect(report?.inspectors.findings).toEqual([]);
  expect(report?.pipeline.findings).toEqual([]);
  expect(report?.crashes).toEqual([]);
  expect(report?.inspectors.files).toBeGreaterThan(200);
  expect(report?.pipeline.counts.get('completed')).toBeGreaterThan(0);
  expect(report?.pipeline.counts.get('undecodable_image')).toBeGreaterThan(0);
}, 120_000);
