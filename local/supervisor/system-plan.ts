import type { ProcessIdentity } from '../process/identity.ts';

/** What the supervisor is to run. It knows nothing of images: tests give it a plan of their own. */
export interface SystemPlan {
  /** Brings the broker up; `again`, after it has died, with the ports that it had. */
  readonly startBroker: (again: boolean) => Promise<Broker>;
  /** One process each, started together once the broker is up. */
  readonly services: readonly ServicePlan[];
  /** As many as asked for: `worker-1`, `worker-2`, … */
  readonly worker: ServicePlan;
  /** How many workers at the start. */
  readonly workers: number;
  /** The environment of every service. */
  readonly environment: (addresses: Addresses) => NodeJS.ProcessEnv;
  /** Where the services keep what they store, for people. */
  readonly store?: string;
  /** Told of the ports of all workers that are meant to run, whenever one has come or gone. */
  readonly onWorkers?: (ports: readonly number[]) => Promise<void>;
}

export interface ServicePlan {
  readonly name: string;
  /** What is started; Node by default. */
  readonly program?: string;
  /** Its arguments; to Node, the script first. */
  readonly args: readonly string[];
  /** Those of a program that does not read its port from the environment. */
  readonly portArgs?: (port: number) => readonly string[];
  /** Where it answers 200 when it is ready; `/readyz` by default. */
  readonly readyPath?: string;
  /** What must be done before it is started. */
  readonly prepare?: (addresses: Addresses) => Promise<void>;
  /** The port it gets, or the next free one. */
  readonly firstPort: number;
  /** What differs from service to service. */
  readonly environment: (self: { name: string; port: number }) => NodeJS.ProcessEnv;
}

/** A broker that runs; see RunningNode. */
export interface Broker {
  readonly process: ProcessIdentity;
  readonly ports: { readonly amqp: number; readonly management: number; readonly prometheus: number };
  readonly amqpUrl: string;
  readonly managementUrl: string;
  stop(): Promise<void>;
}

export interface Addresses {
  readonly broker: Broker;
  /** By name of the service; workers are not among them. */
  readonly ports: ReadonlyMap<string, number>;
}
