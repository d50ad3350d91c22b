import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import inspector from 'node:inspector';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { serveTasks } from '../serve-tasks.ts';
import { respondWith } from './respond-with.ts';

/** What a task names: a folder with a file `secret`, and a port that accepts connections. */
const targetSchema = z.object({ folder: z.string(), port: z.int() });
type Target = z.output<typeof targetSchema>;

const THIS_FILE = fileURLToPath(import.meta.url);

/** What a decoder that an attacker controls would try. Each returns or throws. */
const attempts: Readonly<Record<string, (target: Target) => unknown>> = {
  'read a system file': () => readFileSync('/etc/passwd'),
  'read the store': ({ folder }) => readFileSync(join(folder, 'secret')),
  'list the store': ({ folder }) => readdirSync(folder),
  'read the settings of the project': () => readFileSync(join(THIS_FILE, '../../../../.env.example')),
  'read the environment of the worker': () => readFileSync(`/proc/${process.ppid}/environ`),
  'write a temporary file': ({ folder }) => writeFileSync(join(folder, 'written'), ''),
  'make a directory': ({ folder }) => mkdirSync(join(folder, 'made')),
  'change the code': () => openSync(THIS_FILE, 'r+'),
  'remove a file': ({ folder }) => rmSync(join(folder, 'secret')),
  'make a link': ({ folder }) => symlinkSync('/etc/passwd', join(folder, 'link')),
  'start a process': () => {
    const { error } = spawnSync('true');
    if (error !== undefined) throw error;
  },
  'read a file in a thread': async () => {
    const thread = new Worker("require('node:fs').readFileSync('/etc/passwd')", { eval: true });
    await once(thread, 'exit');
  },
  'open an inspector': () => inspector.open(0),
  connect: async ({ port }) => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
  },
  'read the code': () => readFileSync(THIS_FILE),
};

await serveTasks(() =>
  Promise.resolve(async ({ bytes }) => {
    const target = targetSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
    const results: Record<string, string> = {};
    for (const [name, attempt] of Object.entries(attempts)) results[name] = await resultOf(attempt, target);
    return respondWith(JSON.stringify({ results, environment: process.env }));
  }),
);

/** `done`, or the code of the error. */
async function resultOf(attempt: (target: Target) => unknown, target: Target): Promise<string> {
  try {
    await attempt(target);
    return 'done';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}
