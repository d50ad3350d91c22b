import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { processIdentitySchema } from '../process/identity.ts';

/**
 * What is written down while the system runs, so that another process finds the supervisor, and whoever comes after
 * a supervisor that was killed finds what it left behind.
 */
const stateSchema = z.strictObject({
  supervisor: processIdentitySchema,
  services: z.array(z.strictObject({ name: z.string(), port: z.int(), process: processIdentitySchema })),
});
export type State = z.infer<typeof stateSchema>;

export async function readState(path: string): Promise<State | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
  return stateSchema.parse(JSON.parse(text));
}

/** Never leaves half a file, whenever it is cut off. */
export async function writeState(path: string, state: State): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`);
  await rename(`${path}.new`, path);
}

export async function removeState(path: string): Promise<void> {
  await rm(path, { force: true });
}
