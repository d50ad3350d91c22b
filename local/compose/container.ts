import { z } from 'zod';

/** The part of `docker inspect` that is used. */
const inspectedSchema = z.array(
  z.object({
    Id: z.string(),
    Name: z.string(),
    RestartCount: z.int(),
    State: z.object({
      Status: z.string(),
      ExitCode: z.int(),
      OOMKilled: z.boolean().optional(),
      Pid: z.int(),
      StartedAt: z.string(),
      Health: z.object({ Status: z.string() }).nullish(),
    }),
    Config: z.object({
      Labels: z.record(z.string(), z.string()),
      Env: z.array(z.string()).nullish(),
    }),
    HostConfig: z.object({ RestartPolicy: z.object({ Name: z.string() }) }),
    NetworkSettings: z.object({
      Ports: z.record(z.string(), z.array(z.object({ HostPort: z.string() })).nullable()).nullish(),
    }),
  }),
);

/** A container of the system and its state. */
export interface Container {
  readonly id: string;
  /** e.g. `image-pipeline-worker-1`, or `image-pipeline_worker_1` with Compose 1.29 */
  readonly name: string;
  /** Its name in docker-compose.yml, e.g. `worker`. */
  readonly service: string;
  /** Of its service, from 1. */
  readonly number: number;
  readonly state: 'ready' | 'starting' | 'not ready' | 'restarting' | 'stopped' | 'failed';
  /** Whether it is one of the one-shot containers that have succeeded (`minio-setup`); its state is `stopped`. */
  readonly isDone: boolean;
  /** Of the last exit. */
  readonly exitCode: number;
  /** Whether the kernel killed it at its memory limit. */
  readonly outOfMemory: boolean;
  readonly restarts: number;
  /** On the host; 0 if it is not running. */
  readonly pid: number;
  readonly startedAt: Date;
  /** Published ports by the port in the container. */
  readonly ports: ReadonlyMap<number, number>;
  /** Its environment, as `NAME=value`. */
  readonly environment: readonly string[];
}

/** @param inspected the output of `docker inspect` */
export function readContainers(inspected: string): Container[] {
  const containers = inspectedSchema
    .parse(JSON.parse(inspected))
    .map(({ Id, Name, RestartCount, State, Config, HostConfig, NetworkSettings }): Container => ({
      id: Id,
      name: Name.replace(/^\//, ''),
      service: Config.Labels['com.docker.compose.service'] ?? Name,
      number: Number(Config.Labels['com.docker.compose.container-number'] ?? 1),
      state: stateOf(State.Status, State.ExitCode, State.Health?.Status),
      isDone: HostConfig.RestartPolicy.Name === 'no' && State.Status === 'exited' && State.ExitCode === 0,
      exitCode: State.ExitCode,
      outOfMemory: State.OOMKilled ?? false,
      restarts: RestartCount,
      pid: State.Pid,
      startedAt: new Date(State.StartedAt),
      environment: Config.Env ?? [],
      ports: new Map(
        Object.entries(NetworkSettings.Ports ?? {}).flatMap(([inside, outside]): [number, number][] =>
          outside?.[0] === undefined ? [] : [[Number.parseInt(inside, 10), Number(outside[0].HostPort)]],
        ),
      ),
    }));
  return containers.sort((a, b) => a.service.localeCompare(b.service) || a.number - b.number);
}

/** 143: stopped by SIGTERM; 137: killed. */
const STOPPED_BY_USER: readonly number[] = [0, 137, 143];

function stateOf(status: string, exitCode: number, health: string | undefined): Container['state'] {
  if (status === 'running') {
    if (health === undefined || health === 'healthy') return 'ready';
    return health === 'starting' ? 'starting' : 'not ready';
  }
  if (status === 'restarting') return 'restarting';
  if (status === 'created') return 'starting';
  return STOPPED_BY_USER.includes(exitCode) ? 'stopped' : 'failed';
}

/** The worker that `make stop-worker` stops: the newest running one. */
export function workerToStop(containers: readonly Container[]): Container | undefined {
  return workersOf(containers)
    .filter(({ state }) => state !== 'stopped' && state !== 'failed')
    .at(-1);
}

/** The worker that `make start-worker` starts; undefined if none is stopped. */
export function workerToStart(containers: readonly Container[]): Container | undefined {
  return workersOf(containers).find(({ state }) => state === 'stopped' || state === 'failed');
}

/** In the order of their numbers. */
export function workersOf(containers: readonly Container[]): Container[] {
  return containers.filter(({ service }) => service === 'worker').sort((a, b) => a.number - b.number);
}
