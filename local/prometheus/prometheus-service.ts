import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunFolder } from '../supervisor/run-folder.ts';
import type { ServicePlan, SystemPlan } from '../supervisor/system-plan.ts';
import { localPrometheusConfig, workerTargets } from './local-config.ts';

const SOURCES = join(import.meta.dirname, '../../monitoring/prometheus');

const files = (run: RunFolder) => ({
  config: join(run.prometheus, 'prometheus.yml'),
  workers: join(run.prometheus, 'workers.json'),
  data: join(run.prometheus, 'data'),
});

/** How to run Prometheus. @param program path of `prometheus` */
export function prometheusService(program: string, run: RunFolder, firstPort: number): ServicePlan {
  const { config, workers, data } = files(run);
  return {
    name: 'prometheus',
    program,
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      '--storage.tsdb.retention.time=7d',
      '--storage.tsdb.retention.size=512MB',
      '--log.level=warn',
    ],
    portArgs: (port) => [`--web.listen-address=127.0.0.1:${port}`],
    readyPath: '/-/ready',
    firstPort,
    environment: () => ({}),
    prepare: async ({ broker, ports }) => {
      await mkdir(run.prometheus, { recursive: true });
      const { prometheus: rabbitmq } = broker.ports;
      const text = localPrometheusConfig(await readFile(join(SOURCES, 'prometheus.yml'), 'utf8'), {
        ports: new Map([...ports, ['rabbitmq', rabbitmq], ['rabbitmq-queues', rabbitmq]]),
        workersFile: workers,
        rulesFile: join(SOURCES, 'alerts.yml'),
      });
      await writeFile(config, text);
    },
  };
}

/** Writes the addresses of the workers for Prometheus. */
export function announceWorkers(run: RunFolder): NonNullable<SystemPlan['onWorkers']> {
  const { workers } = files(run);
  return async (ports) => {
    await mkdir(run.prometheus, { recursive: true });
    // Atomically, because Prometheus may read the file at any moment.
    await writeFile(`${workers}.new`, workerTargets(ports));
    await rename(`${workers}.new`, workers);
  };
}
