import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Broker } from '@image-pipeline/shared/broker/broker.ts';
import {
  buildTopology,
  DEFAULT_JOB_RETRY_DELAYS,
  DEFAULT_WEBHOOK_RETRY_DELAYS,
  parseRetryDelays,
} from '@image-pipeline/shared/broker/topology.ts';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { createLogger } from '@image-pipeline/shared/log.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { outcomeKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { z } from 'zod';
import { findChromium } from '../../local/install/programs.ts';
import { UserError } from '../../local/user-error.ts';
import { startBrowser } from '../../testing/browser.ts';
import { completedOutcome, lifeOf, someRequest } from '../../testing/job-life.ts';
import { SocketClient } from '../../testing/socket-client.ts';
import type { System } from '../../testing/start-system.ts';
import { percentile } from '../calculate.ts';
import type { BenchRun } from './bench-run.ts';
import type { Section } from './report.ts';
import { testImageForm, upload } from './traffic.ts';

const JOBS = 60;
const FEW_JOBS = 1_000;
const MANY_JOBS = 10_000;
const EVENTS_PER_SECOND = 50;
/** Until the page has the whole list. */
const LIST_TIMEOUT_MS = 120_000;
/** After the first load. */
const SETTLE_MS = 6_000;
const WATCH_MS = 60_000;
const MEMORY_MINUTES = 10;
const SCROLL_STEPS = 120;

/** Records long tasks and, for each job, when each of its hops was first on screen, in milliseconds since 1970. */
const RECORDER = `
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longTasks.push(duration);
  }).observe({ type: 'longtask', buffered: true });
  window.hops = {};
  const look = () => {
    for (const token of document.querySelectorAll('[data-job]')) {
      const hop = token.dataset.job + ' ' + token.dataset.step;
      window.hops[hop] ??= Date.now();
    }
  };
  document.addEventListener('DOMContentLoaded', () =>
    new MutationObserver(look).observe(document, { subtree: true, childList: true, attributeFilter: ['data-step'] }),
  );
`;

/** The web page in a browser: its first load, how far it is behind the events, long tasks and memory. */
export async function measurePage(bench: BenchRun): Promise<Section> {
  const executablePath = await findChromium();
  if (executablePath === undefined)
    throw new UserError('Chromium is not installed. Set CHROMIUM to its path.');
  const start = () => bench.startSystem({ name: 'page', workers: 1, slots: 2, monitoring: true });
  return bench.during(start, (system) =>
    bench.during(
      async () => {
        const browser = await startBrowser(executablePath);
        return { browser, [Symbol.asyncDispose]: () => browser.close() };
      },
      async ({ browser }) => ({
        columns: ['measured', 'value', 'target'],
        rows: [
          ...(await firstLoad(browser, system)),
          ...(await hopDelays(bench, browser, system)),
          ...(await underLoad(bench, browser, system)),
        ],
      }),
    ),
  );
}

async function open(browser: Browser, { apiUrl }: System, path: string): Promise<Page> {
  const page = await browser.newPage();
  await page.addInitScript(RECORDER);
  await page.goto(`${apiUrl}/#${path}`);
  await page.getByText('Live', { exact: true }).waitFor();
  return page;
}

async function firstLoad(browser: Browser, system: System): Promise<string[][]> {
  const page = await open(browser, system, '/');
  const usable = await page.evaluate('performance.now()');
  const sizes = await page.evaluate(
    `performance.getEntries().filter(({ name }) => /assets|page.json|\\/$|#/.test(name)).map(({ transferSize = 0 }) => transferSize)`,
  );
  await page.close();
  const bytes = z
    .array(z.number())
    .parse(sizes)
    .reduce((sum, size) => sum + size, 0);
  return [
    ['first load, transferred', `${(bytes / 1_000).toFixed(0)} kB`, '150 kB'],
    ['connected and usable after', `${z.number().parse(usable).toFixed(0)} ms`, '1,000 ms'],
  ];
}

/** From the time in an event to the picture on its new place, of an idle system: one upload after the other. */
async function hopDelays(bench: BenchRun, browser: Browser, system: System): Promise<string[][]> {
  const page = await open(browser, system, '/');
  const client = await SocketClient.open(Number(new URL(system.notificationUrl).port), '?job_id=*');
  await client.next();
  const events: JobEvent[] = [];
  const form = testImageForm('sample.jpg', 'image/jpeg', 'resize,watermark');
  for (let job = 0; job < JOBS; job++) {
    await upload(system.apiUrl, form);
    for (const message of await client.take(3)) if (message.type === 'event') events.push(message.event);
  }
  await sleep(500);
  const shown = z.record(z.string(), z.number()).parse(await page.evaluate('window.hops'));
  await client.close();
  await page.close();
  const delays = events.flatMap((event) => {
    const at = shownAt(shown, event);
    return at === undefined ? [] : [at - Date.parse(event.time)];
  });
  bench.say(`${delays.length} of ${events.length} hops on screen`);
  return [
    ['hops on screen', `${delays.length} of ${events.length}`, 'all'],
    ['event → screen, p50', `${percentile(delays, 0.5).toFixed(0)} ms`, ''],
    ['event → screen, p95', `${percentile(delays, 0.95).toFixed(0)} ms`, '200 ms'],
  ];
}

/** Hops that follow within one update of the page are shown by the later one. */
function shownAt(shown: Readonly<Record<string, number>>, { type, data }: JobEvent): number | undefined {
  const states = ['queued', 'processing', type === 'job.failed' ? 'failed' : 'completed'];
  const from = type === 'job.queued' ? 0 : type === 'job.started' ? 1 : 2;
  const times = states
    .slice(from)
    .flatMap((state) => shown[`${data.job_id} ${data.run} ${data.attempt} ${state}`] ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

async function underLoad(bench: BenchRun, browser: Browser, system: System): Promise<string[][]> {
  const broker = eventBroker(system.node.amqpUrl);
  await broker.start();
  const publish = (event: JobEvent) => broker.publisher.publish(eventMessage(event));
  const newLife = await storedLives(join(system.folder, 'store'));
  const seed = async (count: number) => {
    for (let job = 0; job < count; job += 100) {
      const lives = await Promise.all(Array.from({ length: 100 }, newLife));
      await Promise.all(lives.flat().map(publish));
    }
  };
  const traffic = new AbortController();
  await seed(FEW_JOBS);
  const sending = sendSteadily(newLife, publish, traffic.signal);
  // Awaited at the end; if the system ends first, that is not the failure to report.
  sending.catch(() => undefined);
  const rows: string[][] = [];
  const add = (...row: string[]) => {
    bench.say(row.join(': '));
    rows.push(row);
  };
  try {
    for (const path of ['/', '/queue', '/jobs']) {
      const measured = `${path}, ${FEW_JOBS} jobs, ${EVENTS_PER_SECOND} events/s: longest task`;
      add(measured, await longestTask(browser, system, path), '100 ms');
    }
    await seed(MANY_JOBS);
    const page = await open(browser, system, '/jobs');
    const all = page.locator('.jobs [role=status]', { hasText: MANY_JOBS.toLocaleString('en-US') });
    await all.waitFor({ timeout: LIST_TIMEOUT_MS });
    const frames = z.array(z.number()).parse(await page.evaluate(SCROLL));
    const ms = (share: number) => `${percentile(frames, share).toFixed(0)} ms`;
    add(`scrolling ${MANY_JOBS} jobs: frames, p50 and p95`, `${ms(0.5)} and ${ms(0.95)}`, '17 and 34 ms');
    const heaps = [await heapOf(page)];
    for (let minute = 1; minute <= MEMORY_MINUTES; minute++) {
      await sleep(60_000);
      heaps.push(await heapOf(page));
      bench.say(`JavaScript heap after ${minute} minutes: ${mib(heaps.at(-1))}`);
    }
    const measured = `JavaScript heap with ${MANY_JOBS} jobs, at first and after ${MEMORY_MINUTES} minutes`;
    add(measured, `${mib(heaps[0])} and ${mib(heaps.at(-1))}`, 'steady');
  } finally {
    traffic.abort();
    await sending;
    await broker.stop();
  }
  return rows;
}

const mib = (bytes = 0) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** Publishes events like the services. */
export function eventBroker(url: string): Broker {
  const delays = {
    jobs: parseRetryDelays(DEFAULT_JOB_RETRY_DELAYS),
    webhooks: parseRetryDelays(DEFAULT_WEBHOOK_RETRY_DELAYS),
  };
  return new Broker({
    urls: [url],
    name: 'bench',
    appId: 'bench',
    topology: buildTopology(delays),
    timeouts: { connectMs: 5_000, confirmMs: 20_000, callMs: 20_000, heartbeatS: 10 },
    maxPublishesInFlight: 100,
    log: createLogger('bench', { format: 'pretty', level: 'warn' }),
  });
}

/**
 * Jobs that have ended, as the workers leave them in the store: what the store does not have, the API does not show.
 * Without originals and results, which the lists do not need.
 * @returns a function that stores one more job and returns its events
 */
async function storedLives(folder: string): Promise<() => Promise<JobEvent[]>> {
  const picture = { create: { width: 256, height: 144, channels: 3, background: '#369' } } as const;
  const thumbnail = await sharp(picture).jpeg().toBuffer();
  const sha256 = createHash('sha256').update(thumbnail).digest('hex');
  const put = async (key: string, body: Uint8Array) => {
    const path = join(folder, key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, body);
  };
  return async () => {
    const request = someRequest();
    const completed = completedOutcome(request);
    const outcome = { ...completed, thumbnail: { ...completed.thumbnail, size: thumbnail.length, sha256 } };
    await put(requestKey(request.job_id, 1), jsonBody(request));
    await put(outcome.thumbnail.key, thumbnail);
    await put(outcomeKey(request.job_id, 1), jsonBody(outcome));
    return lifeOf(request, outcome);
  };
}

/** The events of one job after the other. */
async function sendSteadily(
  newLife: () => Promise<JobEvent[]>,
  publish: (event: JobEvent) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const began = performance.now();
  for (let sent = 0; !signal.aborted;) {
    for (const event of await newLife()) {
      const due = began + (sent++ * 1_000) / EVENTS_PER_SECOND;
      await sleep(Math.max(0, due - performance.now()));
      await publish(event);
    }
  }
}

async function longestTask(browser: Browser, system: System, path: string): Promise<string> {
  const page = await open(browser, system, path);
  await sleep(SETTLE_MS);
  await page.evaluate('window.longTasks.length = 0');
  await sleep(WATCH_MS);
  const tasks = z.array(z.number()).parse(await page.evaluate('window.longTasks'));
  await page.close();
  return tasks.length === 0 ? 'none over 50 ms' : `${Math.max(...tasks).toFixed(0)} ms`;
}

/** After a garbage collection. */
async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
}

/** Scrolls the list from its beginning to its end; the milliseconds between frames. */
const SCROLL = `new Promise((resolve) => {
  const rows = document.querySelector('.rows');
  const frames = [];
  let last = performance.now();
  const step = (now) => {
    frames.push(now - last);
    last = now;
    rows.scrollTop = (frames.length / ${SCROLL_STEPS}) * rows.scrollHeight;
    if (frames.length < ${SCROLL_STEPS}) requestAnimationFrame(step);
    else resolve(frames.slice(1));
  };
  requestAnimationFrame(step);
})`;
