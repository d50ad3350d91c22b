import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopRabbitNode } from '../broker/rabbitmq-node.ts';
import { readTail } from '../process/log-files.ts';
import { firstErrorIn, startProgress, unreadyOf } from '../runtime/start-progress.ts';
import { UserError } from '../user-error.ts';
import { ControlClient, isRunning, type ServiceReport, type SystemReport } from './control.ts';
import type { RunFolder } from './run-folder.ts';

const POLL_MS = 150;
/** The services' 35 s and the broker's 30 s, with a margin. */
const STOP_DEADLINE_MS = 80_000;
const KILL_DEADLINE_MS = 5_000;

/**
 * Runs the supervisor, and when it was killed or has crashed, stops what is left of its process group: SIGTERM, and after
 * 35 s SIGKILL. Every process of the system is in this group, and no other. A group cannot be taken for another one, as
 * a process id can that was written down: `kill 0` is always the group of the caller.
 */
const GUARD = `trap : TERM
"$@" && exit
echo "The supervisor has exited ($?). Its services are stopped."
kill -TERM 0
i=0
while [ $i -lt 35 ]; do
  sleep 1
  [ "$(pgrep -g 0)" = "$$" ] && exit
  i=$((i + 1))
done
kill -KILL 0`;

export interface StartOptions {
  readonly run: RunFolder;
  readonly cwd: string;
  /** The script of the supervisor's process. */
  readonly supervisorScript: string;
  readonly deadlineMs: number;
  /** Called once for each service when it is ready. */
  readonly onReady: (service: ServiceReport) => void;
}

/**
 * Starts a supervisor that outlives this process; resolves when everything is ready. If two commands do this at once,
 * there is one supervisor, and both wait for it. Older logs are removed.
 * @throws UserError if a service exits or is not ready in time, with the first error and the end of its log
 */
export async function startSystem(options: StartOptions): Promise<SystemReport> {
  const { run, deadlineMs, onReady } = options;
  await run.create();
  const guard = await launchGuard(options.supervisorScript, run, options.cwd);
  const deadline = performance.now() + deadlineMs;
  const announced = new Set<string>();
  for (;;) {
    const hasExited = guard.exitCode !== null || guard.signalCode !== null;
    const report = await reportOf(run);
    if (report === undefined && hasExited)
      throw await withLog('The system did not start.', run.log('supervisor'));
    const { phase, services } = report ?? { phase: 'starting', services: [] };
    for (const service of services) {
      if (service.state !== 'ready' || announced.has(service.name)) continue;
      announced.add(service.name);
      onReady(service);
    }
    const progress = startProgress(services);
    if (progress.is === 'failed') {
      const { name, reason = 'see its log', logFile } = progress.service;
      throw await withLog(`${name} exited before it was ready: ${reason}.`, logFile);
    }
    if (report !== undefined && phase === 'running' && progress.is === 'ready') return report;
    if (performance.now() > deadline) {
      const unready = unreadyOf(services);
      const logFile = unready[0]?.logFile ?? run.log('supervisor');
      throw await withLog(`Not ready after ${deadlineMs / 1_000} s: ${namesOf(unready)}.`, logFile);
    }
    await sleep(POLL_MS);
  }
}

/**
 * Waits until a running system, which may be just starting, is ready.
 * @throws UserError if it is not ready in time
 */
export async function untilReady(run: RunFolder, deadlineMs: number): Promise<SystemReport> {
  const client = new ControlClient(run.socket);
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const report = await client.ps();
    const unready = unreadyOf(report.services);
    if (report.phase === 'running' && unready.length === 0) return report;
    if (performance.now() > deadline) {
      throw new UserError(
        `The system is running but not ready: ${namesOf(unready)}. See: make ps, make logs`,
      );
    }
    await sleep(POLL_MS);
  }
}

/**
 * Stops the system and waits until it has stopped. Its data stays.
 * @returns whether it was running
 * @throws UserError if its supervisor does not respond and cannot be killed
 */
export async function stopSystem(run: RunFolder): Promise<boolean> {
  const wasRunning = await isRunning(run.socket);
  if (wasRunning) {
    const accepted = await new ControlClient(run.socket).stop().then(
      () => true,
      () => false,
    );
    if (!accepted || !(await untilStopped(run, STOP_DEADLINE_MS))) await killSupervisor(run);
  }
  // What a killed supervisor has left: its guard stops everything except the port mapper of the broker.
  await stopRabbitNode(run.rabbitmq);
  await run.removeTemporary();
  await rm(run.socket, { force: true });
  return wasRunning;
}

/** The id in the file cannot belong to another process: the socket is open, so the supervisor that wrote it is alive. */
async function killSupervisor(run: RunFolder): Promise<void> {
  const pid = Number(await readFile(run.pidFile, 'utf8').catch(() => ''));
  if (pid > 0 && (await isRunning(run.socket))) process.kill(pid, 'SIGKILL');
  if (await untilStopped(run, KILL_DEADLINE_MS)) return;
  throw new UserError(
    `The supervisor does not respond. To find its process, and then kill it: lsof ${run.socket}`,
  );
}

async function untilStopped(run: RunFolder, deadlineMs: number): Promise<boolean> {
  const deadline = performance.now() + deadlineMs;
  while (await isRunning(run.socket)) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Undefined until the supervisor listens. */
async function reportOf(run: RunFolder): Promise<SystemReport | undefined> {
  return new ControlClient(run.socket).ps().catch(() => undefined);
}

function namesOf(services: readonly ServiceReport[]): string {
  const names = services.map(({ name, reason }) => (reason === undefined ? name : `${name} (${reason})`));
  return names.join(', ') || 'the supervisor';
}

async function withLog(message: string, logFile: string): Promise<UserError> {
  const log = await readTail(logFile);
  const error = firstErrorIn(log);
  const firstError = error === undefined ? [] : [`First error: ${error}`];
  return new UserError([message, ...firstError, `Last lines of ${logFile}:`, '', log].join('\n'));
}

/** Starts the supervisor in a session of its own, so that it outlives this process and the terminal. */
async function launchGuard(script: string, run: RunFolder, cwd: string): Promise<ChildProcess> {
  const log = await open(run.log('supervisor'), 'a', 0o600);
  try {
    const guard = spawn('sh', ['-c', GUARD, 'guard', process.execPath, script], {
      cwd,
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    await once(guard, 'spawn');
    guard.unref();
    return guard;
  } finally {
    await log.close();
  }
}
