import type { Readiness } from './probe.ts';
import type { RunningProcess } from './service-process.ts';

/** What the supervisor runs. It knows nothing about images, so tests give it a plan of their own. */
export interface SystemPlan {
  /** Starts the broker; `again`: after a crash, on the same ports. */
  readonly startBroker: (again: boolean) => Promise<Broker>;
  /** One process each, started together once the broker is ready. */
  readonly services: readonly ServicePlan[];
  /** Workers are called `worker-1`, `worker-2`, … */
  readonly worker: ServicePlan;
  /** Number of workers at the start. */
  readonly workers: number;
  /** The environment of a service, by the name of its plan. */
  readonly environment: (found: Addresses, service: string) => NodeJS.ProcessEnv;
  /** The addresses of the running system for people, one per line. */
  readonly addressLines: (found: Addresses) => readonly string[];
  /** Called with the ports of all workers whenever one was started or stopped. */
  readonly onWorkers?: (ports: readonly number[]) => Promise<void>;
}

export interface ServicePlan {
  readonly name: string;
  /** Default: Node. */
  readonly program?: string;
  /** Arguments; for Node, the script first. */
  readonly args: readonly string[];
  /** More arguments, for a program that does not read its port from the environment. */
  readonly portArgs?: (port: number) => readonly string[];
  /** Where it responds with 200 when it is ready. Default: `/readyz`. */
  readonly readyPath?: string;
  /** Runs before the first start. */
  readonly prepare?: (found: Addresses) => Promise<void>;
  /** The port it gets, or the next free one. */
  readonly firstPort: number;
  /** Variables of this service only. */
  readonly environment: (self: { name: string; port: number }) => NodeJS.ProcessEnv;
}

/** A broker that runs; `port` is that of AMQP. */
export interface Broker extends RunningProcess {
  readonly ports: { readonly management: number; readonly prometheus: number };
  readonly amqpUrl: string;
  readonly managementUrl: string;
  /** Whether it responds now. */
  probe(): Promise<Readiness>;
}

export interface Addresses {
  readonly broker: Broker;
  /** By name of the service; without the workers. */
  readonly ports: ReadonlyMap<string, number>;
}
