import { statfs } from 'node:fs/promises';
import { fetchSnapshot } from '@image-pipeline/shared/fetch-snapshot.ts';
import { freePort } from '../process/free-port.ts';
import type { Finding } from '../terminal/findings.ts';
import { UserError } from '../user-error.ts';

/** RabbitMQ blocks publishers below 1 GB; see the node's configuration. */
const NEEDED_DISK = 2_000_000_000;
const RESPONSE_MS = 2_000;

/** @param toFree the command that frees space */
export async function checkDisk(folder: string, toFree: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder);
  return diskFinding(bavail * bsize, toFree);
}

/** @param freeBytes free space of the disk */
export function diskFinding(freeBytes: number, toFree: string): Finding {
  const free = `${(freeBytes / 1e9).toFixed(1)} GB free`;
  if (freeBytes >= NEEDED_DISK) return { is: 'ok', text: `disk: ${free}` };
  return {
    is: 'fix',
    text: `disk: ${free}, but ${NEEDED_DISK / 1e9} GB are required. To free space: ${toFree}`,
  };
}

/** @param whenTaken the finding for a port that another program uses */
export async function checkPort(port: number, name: string, whenTaken: Finding): Promise<Finding> {
  if ((await freePort([port], [])) === port) return { is: 'ok', text: `port ${port} (${name}) is free` };
  return whenTaken;
}

/** Whether a running system has workers, and how many jobs wait for one. @param workers those that are not stopped */
export async function checkWorkers(workers: number, monitoringUrl: string | undefined): Promise<Finding> {
  if (workers > 0) return { is: 'ok', text: `workers: ${workers}` };
  const snapshot =
    monitoringUrl === undefined
      ? undefined
      : await fetchSnapshot(monitoringUrl, { timeoutMs: RESPONSE_MS }).catch(() => undefined);
  return workersFinding(snapshot?.jobs.queued ?? 0);
}

/** Without workers. @param waiting jobs that wait for one */
export function workersFinding(waiting: number): Finding {
  const start = 'To start one: make start-worker';
  if (waiting === 0) return { is: 'note', text: `No worker is running. ${start}` };
  const jobs = waiting === 1 ? '1 job is waiting' : `${waiting} jobs are waiting`;
  return { is: 'fix', text: `No worker is running, and ${jobs}. ${start}` };
}

/** @throws UserError if there is a problem */
export function refuseToStart(finding: Finding): void {
  if (finding.is === 'fix') throw new UserError(`${finding.text}. To check this machine: make doctor`);
}
