import { dirname, join } from 'node:path';
import { RunFolder } from '../supervisor/run-folder.ts';

/** The root of the repository. */
export const root = dirname(dirname(import.meta.dirname));

/** The folder of the system without Docker. */
export const runFolder = new RunFolder(join(root, '.run'));
