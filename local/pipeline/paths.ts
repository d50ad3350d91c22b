import { dirname, join } from 'node:path';
import { RunFolder } from '../supervisor/run-folder.ts';

/** The root of the repository. */
export const root = dirname(dirname(import.meta.dirname));

/** Where the system without Docker keeps everything. */
export const runFolder = new RunFolder(join(root, '.run'));
