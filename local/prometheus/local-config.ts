import { parse, stringify } from 'yaml';
import { z } from 'zod';

const HOST = '127.0.0.1';

const configSchema = z.looseObject({
  rule_files: z.array(z.string()),
  scrape_configs: z.array(z.looseObject({ job_name: z.string() })),
});

export interface LocalTargets {
  /** Port of each scrape job, without `worker`. */
  readonly ports: ReadonlyMap<string, number>;
  /** The file with the workers, which change at runtime. */
  readonly workersFile: string;
  readonly rulesFile: string;
}

/**
 * The Prometheus configuration of Compose with the addresses of processes on this machine.
 * @param compose the text of monitoring/prometheus/prometheus.yml
 * @throws Error if it has a job without a port
 */
export function localPrometheusConfig(
  compose: string,
  { ports, workersFile, rulesFile }: LocalTargets,
): string {
  const config = configSchema.parse(parse(compose));
  const jobs = config.scrape_configs.map(({ static_configs: _fixed, dns_sd_configs: _lookedUp, ...job }) => {
    if (job.job_name === 'worker') {
      return { ...job, file_sd_configs: [{ files: [workersFile], refresh_interval: '5s' }] };
    }
    const port = ports.get(job.job_name);
    if (port === undefined) throw new Error(`Unknown scrape job ${job.job_name}: it has no port.`);
    return { ...job, static_configs: [{ targets: [`${HOST}:${port}`] }] };
  });
  return stringify({ ...config, rule_files: [rulesFile], scrape_configs: jobs });
}

/** The content of `workersFile`. */
export function workerTargets(ports: readonly number[]): string {
  return JSON.stringify([{ targets: ports.map((port) => `${HOST}:${port}`) }]);
}
