import { parse, stringify } from 'yaml';
import { z } from 'zod';

const HOST = '127.0.0.1';

const configSchema = z.looseObject({
  rule_files: z.array(z.string()),
  scrape_configs: z.array(z.looseObject({ job_name: z.string() })),
});

export interface LocalTargets {
  /** The port that each job is asked at; `worker` is not among them. */
  readonly ports: ReadonlyMap<string, number>;
  /** Lists the workers, who come and go. */
  readonly workersFile: string;
  readonly rulesFile: string;
}

/**
 * Prometheus' configuration for processes of this machine: the one that Compose has, with other addresses.
 * @param compose the text of monitoring/prometheus/prometheus.yml
 * @throws Error if it has a job that is not known here
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

/** The file that lists the workers. */
export function workerTargets(ports: readonly number[]): string {
  return JSON.stringify([{ targets: ports.map((port) => `${HOST}:${port}`) }]);
}
