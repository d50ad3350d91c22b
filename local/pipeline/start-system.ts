import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, identify, type ProcessIdentity } from '../process/identity.ts';
import { readTail } from '../process/read-tail.ts';
import { ControlClient } from '../supervisor/control-client.ts';
import type { ServiceReport, SystemReport } from '../supervisor/report.ts';
import type { RunFolder } from '../supervisor/run-folder.ts';
import { UserError } from '../user-error.ts';
import { firstErrorIn, notReady, startVerdict } from './start-verdict.ts';

const POLL_MS = 150;
/** A supervisor that does not listen yet has nothing to report. */
const NOTHING_YET: SystemReport = { phase: 'starting', services: [] };

export interface StartOptions {
  readonly run: RunFolder;
  readonly cwd: string;
  /** What the supervisor's process runs. */
  readonly supervisorScript: string;
  readonly deadlineMs: number;
  /** Called once for each service, when it is ready. */
  readonly onReady: (service: ServiceReport) => void;
}

/**
 * Starts a supervisor that outlives this process; resolves when everything it runs is ready. Older logs are removed.
 * @throws UserError if a service ends or is not ready in time, with the first error and the end of its log
 */
export async function startSystem(options: StartOptions): Promise<SystemReport> {
  const { run, deadlineMs, onReady } = options;
  await rm(run.logs, { recursive: true, force: true });
  await run.create();
  const supervisor = await launchSupervisor(options.supervisorScript, run, options.cwd);
  const deadline = performance.now() + deadlineMs;
  const announced = new Set<string>();
  for (;;) {
    const report = await reportOf(run);
    for (const service of report.services) {
      if (service.state !== 'ready' || announced.has(service.name)) continue;
      announced.add(service.name);
      onReady(service);
    }
    const verdict = startVerdict(report);
    if (verdict.is === 'ready') return report;
    if (verdict.is === 'failed') {
      const { name, reason = 'see its log', logFile } = verdict.service;
      throw await withLog(`${name} exited before it was ready: ${reason}.`, logFile);
    }
    if (!(await isAlive(supervisor))) throw await withLog('The system did not start.', run.log('supervisor'));
    if (performance.now() > deadline) {
      const logFile = verdict.for[0]?.logFile ?? run.log('supervisor');
      throw await withLog(`Not ready after ${deadlineMs / 1_000} s: ${named(verdict.for)}.`, logFile);
    }
    await delay(POLL_MS);
  }
}

/**
 * Waits for a system that runs already, and may be just starting, until it is ready.
 * @throws UserError if it is not so in time
 */
export async function untilReady(run: RunFolder, deadlineMs: number): Promise<SystemReport> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const report = await reportOf(run);
    const unready = notReady(report.services);
    if (report.phase === 'running' && unready.length === 0) return report;
    if (performance.now() > deadline) {
      throw new UserError(`The system is running but not ready: ${named(unready)}. See: make ps, make logs`);
    }
    await delay(POLL_MS);
  }
}

async function reportOf(run: RunFolder): Promise<SystemReport> {
  return new ControlClient(run.socket).ps().catch(() => NOTHING_YET);
}

function named(services: readonly ServiceReport[]): string {
  const names = services.map(({ name, reason }) => (reason === undefined ? name : `${name} (${reason})`));
  return names.join(', ') || 'the supervisor';
}

async function withLog(message: string, logFile: string): Promise<UserError> {
  const log = await readTail(logFile);
  const error = firstErrorIn(log);
  const firstError = error === undefined ? [] : [`First error: ${error}`];
  return new UserError([message, ...firstError, `Last lines of ${logFile}:`, '', log].join('\n'));
}

/** Starts a supervisor's process in a session of its own: it outlives this one, and the terminal. */
async function launchSupervisor(script: string, run: RunFolder, cwd: string): Promise<ProcessIdentity> {
  const log = await open(run.log('supervisor'), 'a');
  try {
    const child = spawn(process.execPath, [script], {
      cwd,
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    await once(child, 'spawn');
    child.unref();
    const pid = child.pid ?? Number.NaN;
    // A process that has ended already was one, too.
    return (await identify(pid)) ?? { pid, startedAt: 'unknown' };
  } finally {
    await log.close();
  }
}
