/**
 * Kills a service exactly before or after a step. Loaded before the service's own code:
 *
 *     NODE_OPTIONS="--import file:///…/die-at-crash-point.ts" CRASH_POINT_FILE=/tmp/armed node api/main.ts
 *
 * While the file says, e.g., `api after putIfAbsent idempotency/`, the first api that reaches such a step removes the
 * file and dies of SIGKILL. Steps are the calls that change the world: `get`, `put`, `putIfAbsent` and `remove` of the
 * folder store, of which the text must be part of the key, and `publish`, of `exchange/routing key`. What can be seen
 * from outside is the same wherever a process dies between two of them; a publish that was sent and not confirmed is
 * either as before it (it never arrived) or as after it.
 */
import { basename, dirname } from 'node:path';
import { readFileSync, unlinkSync } from 'node:fs';
import { z } from 'zod';
import { Publisher } from '@image-pipeline/shared/broker/publisher.ts';
import { FolderStore } from '@image-pipeline/shared/store/folder-store.ts';

/** `api` of `…/api/main.ts` */
const service = basename(dirname(process.argv[1] ?? ''));
const file = process.env['CRASH_POINT_FILE'] ?? '';
const message = z.object({ exchange: z.string(), routingKey: z.string() });

for (const step of ['get', 'put', 'putIfAbsent', 'remove']) {
  watch(FolderStore.prototype, step, (key) => z.string().parse(key));
}
watch(Publisher.prototype, 'publish', (given) => {
  const { exchange, routingKey } = message.parse(given);
  return `${exchange}/${routingKey}`;
});

function watch(owner: object, step: string, subjectOf: (argument: unknown) => string): void {
  const original: unknown = Reflect.get(owner, step);
  if (typeof original !== 'function') throw new Error(`there is no step "${step}"`);
  Reflect.set(owner, step, async function watched(this: unknown, ...given: unknown[]): Promise<unknown> {
    const subject = subjectOf(given[0]);
    dieIfArmed('before', step, subject);
    const result: unknown = await Reflect.apply(original, this, given);
    dieIfArmed('after', step, subject);
    return result;
  });
}

function dieIfArmed(when: string, step: string, subject: string): void {
  const [armedService, armedWhen, armedStep, text] = armed().split(' ');
  if (armedService !== service || armedWhen !== when || armedStep !== step) return;
  if (!subject.includes(text ?? '')) return;
  try {
    // The process that removes it is the one that dies.
    unlinkSync(file);
  } catch {
    return;
  }
  process.kill(process.pid, 'SIGKILL');
}

function armed(): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
