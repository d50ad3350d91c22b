/**
 * Waits for the end of the test run that started this process (its standard input ends), kills every process that has the
 * folder of that run in its arguments or environment, and removes the folder.   sweep-after-exit.ts FOLDER
 */
import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/** Processes may start others while they are killed. */
const ROUNDS = 20;
const PAUSE_MS = 50;

const [folder = ''] = process.argv.slice(2);
if (!folder.startsWith('/')) throw new Error(`The folder must be an absolute path, but is "${folder}"`);
await buffer(process.stdin);
for (let round = 0; round < ROUNDS; round++) {
  const left = processesOf(folder);
  if (left.length === 0) break;
  for (const pid of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has exited.
    }
  }
  await sleep(PAUSE_MS);
}
await rm(folder, { recursive: true, force: true });

function processesOf(path: string): number[] {
  // `e` adds the environment of own processes, on Linux and macOS. That of ps itself must not have the path.
  const lines = execFileSync('ps', ['axeww', '-o', 'pid=,command='], {
    env: { PATH: process.env.PATH },
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  }).split('\n');
  return lines
    .filter((line) => line.includes(path))
    .map((line) => Number.parseInt(line))
    .filter((pid) => pid !== process.pid);
}
