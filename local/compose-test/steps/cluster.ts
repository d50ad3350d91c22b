import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expectThat } from '../expect.ts';
import { Ledger } from '../ledger.ts';
import { longestGap } from '../longest-gap.ts';
import type { Stack } from '../stack.ts';
import { Skipped, type Step } from '../step.ts';
import { build } from './bring-up.ts';

const NODES = ['rabbitmq', 'rabbitmq-2', 'rabbitmq-3'];
const SENDERS = 6;
const PAUSE_MS = 250;
const BEFORE_MS = 5_000;
/** For how long the load goes on without the node; one that was killed is started again meanwhile. */
const AFTER_MS = 25_000;
const STOP_LIMIT_MS = 10_000;

/** What happens to a node, and how it comes back if it does not by itself. */
interface Fault {
  readonly title: string;
  readonly begin: (stack: Stack, node: string) => Promise<unknown>;
  /** While it lasts. */
  readonly check?: (stack: Stack) => Promise<unknown>;
  readonly end?: (stack: Stack, node: string) => Promise<unknown>;
}

const kill: Fault = {
  title: 'kill -9 of',
  begin: async (stack, node) => {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) {
      throw new Skipped('needs Linux and root: a container’s process must be killed from outside');
    }
    const [victim] = await stack.containers(node);
    process.kill(victim?.pid ?? Number.NaN, 'SIGKILL');
  },
};

const stop: Fault = {
  title: 'docker-compose stop',
  begin: (stack, node) => stack.line(`docker-compose stop ${node}`),
  check: async (stack) => {
    const health = await stack.line('curl -sS http://localhost:8002/health');
    expectThat(health.includes('"status":"ok"'), `monitoring does not see the other two: ${health}`);
  },
  end: (stack, node) => stack.line(`docker-compose start ${node}`),
};

const underLoad = (fault: Fault, node: string): Step => ({
  title: `${fault.title} ${node} under load`,
  run: async (stack) => {
    const ledger = new Ledger(stack.api.url, join(stack.folder, 'test_images'));
    const load = new AbortController();
    const senders = Array.from({ length: SENDERS }, async () => {
      while (!load.signal.aborted) {
        await ledger.send('palette.png', 'resize:100x100');
        await delay(PAUSE_MS);
      }
    });
    try {
      await delay(BEFORE_MS);
      await fault.begin(stack, node);
      await delay(AFTER_MS);
      await fault.check?.(stack);
      await fault.end?.(stack, node);
      await stack.untilReady(120_000);
    } finally {
      load.abort();
    }
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

/** Three RabbitMQ nodes; any one may die or be stopped. */
export const cluster: readonly Step[] = [
  build,
  {
    title: 'docker-compose up -d, with COMPOSE_FILE=docker-compose.yml:docker-compose.cluster.yml',
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
  ...[kill, stop].flatMap((fault) => NODES.map((node) => underLoad(fault, node))),
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
