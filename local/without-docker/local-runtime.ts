import { runFolder } from '../pipeline/paths.ts';
import { runningSystem } from '../pipeline/running-system.ts';
import type { RunningSystem, Runtime } from '../runtime/runtime.ts';
import { portOf, type SystemReport } from '../supervisor/report.ts';
import { whereToLook } from '../terminal/where-to-look.ts';
import { clean } from './clean.ts';
import { doctor } from './doctor.ts';
import { down } from './down.ts';
import { logs } from './logs.ts';
import { ps } from './ps.ts';
import { ensureUp } from './up.ts';
import { scale, startWorker, stopWorker, workers } from './workers.ts';

/** Without Docker: a RabbitMQ node of its own, a folder as store, the services as processes. */
export const localRuntime: Runtime = {
  kind: 'local',
  async ensureUp() {
    const { report, started } = await ensureUp();
    return { system: systemOf(report), started };
  },
  async running() {
    return systemOf(await (await runningSystem(runFolder)).ps());
  },
  down,
  ps,
  logs,
  scale,
  stopWorker,
  startWorker,
  workers,
  stopWorkers: { line: 'make scale N=0', run: () => scale(0) },
  startWorkers: (count) => ({ line: `make scale N=${count}`, run: () => scale(count) }),
  doctor,
  clean,
};

function systemOf(report: SystemReport): RunningSystem {
  const readyWorkers = report.services.filter(
    ({ name, state }) => name.startsWith('worker-') && state === 'ready',
  );
  return {
    apiUrl: `http://localhost:${portOf(report, 'api')}`,
    monitoringUrl: `http://localhost:${portOf(report, 'monitoring')}`,
    readyWorkers: readyWorkers.length,
    whereToLook: whereToLook(report, runFolder),
  };
}
