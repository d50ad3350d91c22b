import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import type { Health, Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { fetchSnapshot, MonitoringUnreachable } from '@image-pipeline/shared/fetch-snapshot.ts';
import { snapshotHealth } from '../snapshot/snapshot-health.ts';
import { drawView, type Paint, statusText, type View, type ViewState } from './view.ts';
import { wrap } from './text.ts';
import { addPoll, addFailedPoll, type Poll } from './history.ts';
import { watchKeys, Screen } from './screen.ts';
import { monitorEnvironment, readMonitorOptions, type MonitorOptions } from './monitor-options.ts';

const OK = 0;
const UNHEALTHY = 3;
/** The service responds from memory, so a slower response counts as none. */
const TIMEOUT_MS = 2_000;

/** styleText honours NO_COLOR and adds no colours if the output is not a terminal. */
const paint: Paint = (style, text) => styleText(style, text, { stream: process.stdout });

/**
 * Shows a view until q or Ctrl-C, or once. Resolves with the exit code of the program.
 * @param root of the project, where `.env` is
 */
export async function runMonitor(view: View, root: string): Promise<number> {
  const env = monitorEnvironment(root, process.env);
  const options = readMonitorOptions(view, process.argv.slice(2), env);
  if ('exitCode' in options) return options.exitCode;
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopping.abort());
  // `queue_monitor.ts | head`: the reader has closed the pipe.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(OK);
    throw error;
  });
  const isLive = process.stdout.isTTY && !options.json && !options.once;
  const screen = isLive ? new Screen(process.stdout) : undefined;
  const releaseKeys = isLive ? watchKeys(process.stdin, () => stopping.abort()) : undefined;
  try {
    return await watch(view, options, screen, stopping.signal);
  } finally {
    releaseKeys?.();
    screen?.close();
  }
}

async function watch(
  view: View,
  options: MonitorOptions,
  screen: Screen | undefined,
  stop: AbortSignal,
): Promise<number> {
  const history: Poll[] = [];
  let newest: { readonly snapshot: Snapshot; readonly health: Health; readonly at: number } | undefined;
  let failure: string | undefined;
  let code: number = OK;
  const repaint = () => {
    if (screen === undefined) return;
    if (newest !== undefined) screen.paint(drawView(view, stateOf(newest), screen, paint));
    else if (failure !== undefined) {
      screen.paint(wrap(failure, screen.width).map((line) => paint('red', line)));
    }
  };
  const stateOf = ({ snapshot, health, at }: NonNullable<typeof newest>): ViewState => {
    const { url } = options;
    if (failure === undefined) return { url, health, snapshot, history };
    const ageSeconds = snapshot.age_seconds + (performance.now() - at) / 1_000;
    const outage = { reason: failure, ageSeconds };
    return { url, health: { status: 'error', age_seconds: null }, snapshot, history, outage };
  };
  process.stdout.on('resize', repaint);
  do {
    try {
      const snapshot = await fetchSnapshot(options.url, { timeoutMs: TIMEOUT_MS, stopping: stop });
      const health = snapshotHealth(snapshot.sources, snapshot.interval_seconds);
      addPoll(history, snapshot);
      newest = { snapshot, health, at: performance.now() };
      failure = undefined;
      code = health.status === 'ok' ? OK : UNHEALTHY;
      if (screen === undefined) print(view, options, stateOf(newest));
    } catch (error) {
      if (!(error instanceof MonitoringUnreachable)) throw error;
      if (stop.aborted) break;
      code = UNHEALTHY;
      failure = error.message;
      addFailedPoll(history);
      if (screen === undefined) console.error(error.message);
    }
    repaint();
    if (options.once) break;
    await sleep(options.interval * 1_000, undefined, { signal: stop }).catch(() => undefined);
  } while (!stop.aborted);
  process.stdout.off('resize', repaint);
  return code;
}

/** Without a terminal, or with --once. */
function print(view: View, { json, once }: MonitorOptions, seen: ViewState): void {
  const { snapshot, health } = seen;
  if (json) console.log(JSON.stringify(snapshot));
  else if (once && process.stdout.isTTY) {
    const size = { width: process.stdout.columns || 80, height: Infinity };
    console.log(drawView(view, seen, size, paint).join('\n'));
  } else {
    console.log(`${snapshot.updated_at} ${view.line(snapshot)}${statusText(snapshot, health)}`);
  }
}
