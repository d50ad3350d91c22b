import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import type { Health } from '@image-pipeline/shared/contracts/health.ts';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { fetchSnapshot, MonitoringUnreachable } from '@image-pipeline/shared/fetch-snapshot.ts';
import { judgeHealth } from '../snapshot/judge-health.ts';
import { addLook } from './history.ts';
import { watchKeys } from './keys.ts';
import { readMonitorOptions, type MonitorOptions } from './monitor-options.ts';
import { Screen } from './screen.ts';
import type { Paint, View } from './view.ts';

const OK = 0;
const NOT_WELL = 3;
/** The service answers from memory; slower than this is away. */
const TIMEOUT_MS = 2_000;

/** styleText looks at NO_COLOR and at whether the output is a terminal. */
const paint: Paint = (style, text) => styleText(style, text, { stream: process.stdout });

/** A program that shows one view until q or Ctrl-C, or once. Resolves with its exit code. */
export async function runMonitor(view: View): Promise<number> {
  const options = readMonitorOptions(view, process.argv.slice(2), process.env);
  if ('exitCode' in options) return options.exitCode;
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopping.abort());
  // `queue_monitor.ts | head`: whoever reads has had enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(OK);
    throw error;
  });
  const isLive = process.stdout.isTTY && !options.json && !options.once;
  const screen = isLive ? new Screen(process.stdout) : undefined;
  const letKeysGo = isLive ? watchKeys(process.stdin, () => stopping.abort()) : undefined;
  try {
    return await watch(view, options, screen, stopping.signal);
  } finally {
    letKeysGo?.();
    screen?.close();
  }
}

async function watch(
  view: View,
  options: MonitorOptions,
  screen: Screen | undefined,
  stop: AbortSignal,
): Promise<number> {
  const history: Snapshot[] = [];
  let code: number = OK;
  const repaint = (health: Health) => {
    const snapshot = history.at(-1);
    if (screen === undefined || snapshot === undefined) return;
    screen.paint(view.lines({ url: options.url, health, snapshot, history }, screen.width, paint));
  };
  let health: Health = { status: 'error', age_seconds: null };
  const onResize = () => repaint(health);
  process.stdout.on('resize', onResize);
  do {
    try {
      const snapshot = await fetchSnapshot(options.url, { timeoutMs: TIMEOUT_MS, stopping: stop });
      addLook(history, snapshot);
      health = judgeHealth(snapshot.sources, snapshot.interval_seconds);
      code = health.status === 'ok' ? OK : NOT_WELL;
      if (screen === undefined) print(view, options, snapshot, health);
      else repaint(health);
    } catch (error) {
      if (!(error instanceof MonitoringUnreachable)) throw error;
      if (stop.aborted) break;
      code = NOT_WELL;
      health = { status: 'error', age_seconds: null };
      if (screen === undefined || history.length === 0) screen?.paint([paint('red', error.message)]);
      else repaint(health);
      if (screen === undefined) console.error(error.message);
    }
    if (options.once) break;
    await sleep(options.interval * 1_000, undefined, { signal: stop }).catch(() => undefined);
  } while (!stop.aborted);
  process.stdout.off('resize', onResize);
  return code;
}

/** Where there is no terminal, or one look is wanted. */
function print(view: View, { json, once, url }: MonitorOptions, snapshot: Snapshot, health: Health): void {
  if (json) console.log(JSON.stringify(snapshot));
  else if (once && process.stdout.isTTY) {
    const lines = view.lines(
      { url, health, snapshot, history: [snapshot] },
      process.stdout.columns || 80,
      paint,
    );
    console.log(lines.join('\n'));
  } else {
    const note = health.status === 'ok' ? '' : ` ${health.status}`;
    console.log(`${snapshot.updated_at} ${view.line(snapshot)}${note}`);
  }
}
