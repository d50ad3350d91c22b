import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expectThat, Skipped, type Step } from '../step.ts';
import { TrackedUploads } from '../tracked-uploads.ts';

const KILLS = 10;
const BETWEEN_MS = 3_000;
const MUST_DIE = ['rabbitmq', 'minio'];
const SENDERS = 3;
const PAUSE_MS = 250;

/** Any container may die at any time; Docker restarts it. */
export const kills: readonly Step[] = [
  {
    title: `${KILLS} times under load: kill -9 of a random container`,
    run: async (stack) => {
      // docker kill counts as stopped by the user; the restart policy applies only if the process dies by itself.
      if (process.platform !== 'linux' || process.getuid?.() !== 0) {
        throw new Skipped('needs Linux and root: a container’s process must be killed from outside');
      }
      const uploads = new TrackedUploads(stack.api.url, join(stack.folder, 'test_images'));
      const load = new AbortController();
      const senders = Array.from({ length: SENDERS }, async (_, sender) => {
        while (!load.signal.aborted) {
          await uploads.send(sender === 0 ? 'sample.jpg' : 'palette.png', 'resize:200x200');
          await delay(PAUSE_MS);
        }
      });
      const killed: string[] = [];
      try {
        while (killed.length < KILLS) {
          const alive = (await stack.containers()).filter(({ pid }) => pid !== 0);
          // Broker and store must be among them; the others are random.
          const [must] = MUST_DIE.filter((service) => !killed.some((name) => name.startsWith(service)));
          const due = must !== undefined && killed.length % 3 === 2;
          const choice = due ? alive.filter(({ service }) => service === must) : alive;
          const victim = choice[Math.floor(Math.random() * choice.length)];
          if (victim === undefined) throw new Error('nothing runs');
          process.kill(victim.pid, 'SIGKILL');
          killed.push(victim.name.replace(/^.*test[-_]/, ''));
          await delay(BETWEEN_MS);
          await stack.untilReady(120_000);
        }
      } finally {
        load.abort();
      }
      await Promise.all(senders);
      const ended = await uploads.settle(180_000);
      expectThat(
        ended.completed === uploads.accepted,
        `${uploads.accepted} accepted: ${JSON.stringify(ended)}`,
      );
      await stack.untilReady();
      return `killed ${killed.join(', ')}; ${uploads.accepted} accepted = ${ended.completed ?? 0} completed; all healthy`;
    },
  },
];
