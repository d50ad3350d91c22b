import { findProgram, pathFolders } from '../process/find-program.ts';

/** Paths of an installed Prometheus. */
export interface PrometheusPrograms {
  readonly server: string;
  /** Checks configurations and rules. */
  readonly promtool: string;
}

/** The installed Prometheus; undefined if there is none. */
export async function findPrometheus(
  folders: readonly string[] = pathFolders(),
): Promise<PrometheusPrograms | undefined> {
  const server = await findProgram('prometheus', folders);
  const promtool = await findProgram('promtool', folders);
  return server === undefined || promtool === undefined ? undefined : { server, promtool };
}
