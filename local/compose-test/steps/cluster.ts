import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expectThat } from '../expect.ts';
import { Ledger } from '../ledger.ts';
import { longestGap } from '../longest-gap.ts';
import { Skipped, type Step } from '../step.ts';
import { build } from './bring-up.ts';

const SENDERS = 6;
const PAUSE_MS = 250;
const BEFORE_MS = 5_000;
/** For how long the load goes on after a node was killed; it comes back meanwhile. */
const AFTER_MS = 25_000;
const STOP_LIMIT_MS = 10_000;

const killing = (node: string): Step => ({
  title: `kill -9 of ${node} under load`,
  run: async (stack) => {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) {
      throw new Skipped('needs Linux and root: a container’s process must be killed from outside');
    }
    const ledger = new Ledger(stack.api.url, join(stack.folder, 'test_images'));
    const load = new AbortController();
    const senders = Array.from({ length: SENDERS }, async () => {
      while (!load.signal.aborted) {
        await ledger.send('palette.png', 'resize:100x100');
        await delay(PAUSE_MS);
      }
    });
    await delay(BEFORE_MS);
    const [victim] = await stack.containers(node);
    process.kill(victim?.pid ?? Number.NaN, 'SIGKILL');
    await delay(AFTER_MS);
    await stack.untilReady(120_000);
    load.abort();
    await Promise.all(senders);
    const ended = await ledger.settle(120_000);
    expectThat(ended.completed === ledger.accepted, `${ledger.accepted} accepted: ${JSON.stringify(ended)}`);
    const gaps = { accepted: longestGap(ledger.acceptedAt), completed: longestGap(ledger.endedAt) };
    expectThat(
      Math.max(gaps.accepted, gaps.completed) <= STOP_LIMIT_MS,
      `it stopped: ${JSON.stringify(gaps)} ms`,
    );
    const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
    return `${ledger.accepted} accepted = completed; longest pause: uploads ${seconds(gaps.accepted)}, jobs ${seconds(gaps.completed)}`;
  },
});

/** Three RabbitMQ nodes; any one may die. */
export const cluster: readonly Step[] = [
  build,
  {
    title: 'docker-compose -f docker-compose.yml -f docker-compose.cluster.yml up -d',
    essential: true,
    run: async (stack) => {
      await stack.line('docker-compose up -d');
      await stack.untilReady(120_000);
      return 'all healthy';
    },
  },
  {
    title: 'three nodes have met, and every queue has a replica on each',
    run: async (stack) => {
      const [node] = await stack.containers('rabbitmq');
      if (node === undefined) throw new Error('there is no rabbitmq');
      const { text } = await stack.inside(
        node,
        'rabbitmqctl -q list_queues name type members --formatter=pretty_table 2>/dev/null',
      );
      const queues = text.split('\n').filter((line) => /quorum|stream/.test(line));
      const lacking = queues.filter((line) => (line.match(/rabbit@/g) ?? []).length !== 3);
      expectThat(queues.length > 0 && lacking.length === 0, text);
      return `${queues.length} queues`;
    },
  },
  killing('rabbitmq'),
  killing('rabbitmq-2'),
  killing('rabbitmq-3'),
  {
    title: 'docker-compose down, up -d: the cluster meets again',
    run: async (stack) => {
      await stack.line('docker-compose down');
      await stack.line('docker-compose up -d');
      await stack.untilReady(120_000);
      return undefined;
    },
  },
];
