import { z } from 'zod';

/** What is read of `docker inspect`. */
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
    NetworkSettings: z.object({
      Ports: z.record(z.string(), z.array(z.object({ HostPort: z.string() })).nullable()).nullish(),
    }),
  }),
);

/** A container of the system and how it is. */
export interface Container {
  readonly id: string;
  /** e.g. `image-pipeline_worker_1` */
  readonly name: string;
  /** Its name in docker-compose.yml, e.g. `worker`. */
  readonly service: string;
  /** From 1 on, among those of its service. */
  readonly number: number;
  readonly state: 'ready' | 'starting' | 'not ready' | 'restarting' | 'stopped' | 'failed';
  /** Of its last end. */
  readonly exitCode: number;
  /** Its last end was the kernel's, at the container's limit of memory. */
  readonly outOfMemory: boolean;
  readonly restarts: number;
  /** On the machine itself; 0 while it does not run. */
  readonly pid: number;
  readonly startedAt: Date;
  /** Ports of this machine, by the container's own. */
  readonly ports: ReadonlyMap<number, number>;
  /** Its environment, as `NAME=value`. */
  readonly environment: readonly string[];
}

/** @param inspected the output of `docker inspect` */
export function readContainers(inspected: string): Container[] {
  const containers = inspectedSchema
    .parse(JSON.parse(inspected))
    .map(({ Id, Name, RestartCount, State, Config: { Labels, Env }, NetworkSettings }): Container => ({
      id: Id,
      name: Name.replace(/^\//, ''),
      service: Labels['com.docker.compose.service'] ?? Name,
      number: Number(Labels['com.docker.compose.container-number'] ?? 1),
      state: stateOf(State.Status, State.ExitCode, State.Health?.Status),
      exitCode: State.ExitCode,
      outOfMemory: State.OOMKilled ?? false,
      restarts: RestartCount,
      pid: State.Pid,
      startedAt: new Date(State.StartedAt),
      environment: Env ?? [],
      ports: new Map(
        Object.entries(NetworkSettings.Ports ?? {}).flatMap(([inside, outside]): [number, number][] =>
          outside?.[0] === undefined ? [] : [[Number.parseInt(inside, 10), Number(outside[0].HostPort)]],
        ),
      ),
    }));
  return containers.sort((a, b) => a.service.localeCompare(b.service) || a.number - b.number);
}

/** 137 and 143: it was told to go and did, or was made to. */
const STOPPED_BY_PEOPLE: readonly number[] = [0, 137, 143];

function stateOf(status: string, exitCode: number, health: string | undefined): Container['state'] {
  if (status === 'running') {
    if (health === undefined || health === 'healthy') return 'ready';
    return health === 'starting' ? 'starting' : 'not ready';
  }
  if (status === 'restarting') return 'restarting';
  if (status === 'created') return 'starting';
  return STOPPED_BY_PEOPLE.includes(exitCode) ? 'stopped' : 'failed';
}
