import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Stack } from '../stack.ts';
import { expectThat, Skipped, type Step } from '../step.ts';
import { longestGap, TrackedUploads } from '../tracked-uploads.ts';
import { build } from './bring-up.ts';

const NODES = ['rabbitmq', 'rabbitmq-2', 'rabbitmq-3'];
const SENDERS = 6;
const PAUSE_MS = 250;
const BEFORE_MS = 5_000;
/** How long the load continues without the node; a killed node restarts meanwhile. */
const AFTER_MS = 25_000;
const STOP_LIMIT_MS = 10_000;

/** What happens to a node, and how it is restarted if Docker does not do it. */
interface Fault {
  readonly title: string;
  readonly begin: (stack: Stack, node: string) => Promise<unknown>;
  /** Runs before `end`. */
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
    const uploads = new TrackedUploads(stack.api.url, join(stack.folder, 'test_images'));
    const load = new AbortController();
    const senders = Array.from({ length: SENDERS }, async () => {
      while (!load.signal.aborted) {
        await uploads.send('palette.png', 'resize:100x100');
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
    const ended = await uploads.settle(120_000);
    expectThat(
      ended.completed === uploads.accepted,
      `${uploads.accepted} accepted: ${JSON.stringify(ended)}`,
    );
    const gaps = { accepted: longestGap(uploads.acceptedAt), completed: longestGap(uploads.endedAt) };
    expectThat(
      Math.max(gaps.accepted, gaps.completed) <= STOP_LIMIT_MS,
      `longest pause: ${JSON.stringify(gaps)} ms`,
    );
    const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
    return `${uploads.accepted} accepted = completed; longest pause: uploads ${seconds(gaps.accepted)}, jobs ${seconds(gaps.completed)}`;
  },
});

/** Three RabbitMQ nodes; each may die or be stopped. */
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
    title: 'three nodes form a cluster, and every queue has a replica on each',
    run: async (stack) => {
      const [node] = await stack.containers('rabbitmq');
      if (node === undefined) throw new Error('there is no rabbitmq');
      const { text } = await stack.inside(
        node,
        'rabbitmqctl -q list_queues name type members --formatter=pretty_table 2>/dev/null',
      );
      const queues = text.split('\n').filter((line) => /quorum|stream/.test(line));
      const incomplete = queues.filter((line) => (line.match(/rabbit@/g) ?? []).length !== 3);
      expectThat(queues.length > 0 && incomplete.length === 0, text);
      return `${queues.length} queues`;
    },
  },
  ...[kill, stop].flatMap((fault) => NODES.map((node) => underLoad(fault, node))),
  {
    title: 'docker-compose down, up -d: the cluster forms again',
    run: async (stack) => {
      await stack.line('docker-compose down');
      await stack.line('docker-compose up -d');
      await stack.untilReady(120_000);
      return undefined;
    },
  },
];
