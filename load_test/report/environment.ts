import type { LoadTestResult } from '../result.ts';

/** What the pipeline ran as; null where it is not known. The version of k6 is not part of it. */
export interface Environment {
  /** `compose` or `local` */
  readonly runtime: string | null;
  readonly pipeline: string | null;
  readonly node: string | null;
  readonly rabbitmq: string | null;
}

/** Part of an environment, with its name for people, and its value in each of several environments. */
export interface Part {
  readonly name: string;
  readonly values: readonly string[];
}

export function environmentOf({
  runtime = null,
  versions,
}: Pick<LoadTestResult, 'runtime' | 'versions'>): Environment {
  const { pipeline, node, rabbitmq } = versions;
  return { runtime, pipeline, node, rabbitmq };
}

export function partsOf(environments: readonly Environment[]): Part[] {
  const part = (name: string, value: (environment: Environment) => string | null) => ({
    name,
    values: environments.map((environment) => value(environment) ?? 'unknown'),
  });
  return [
    part('runtime', ({ runtime }) => runtime),
    part('pipeline', ({ pipeline }) => pipeline),
    part('Node.js', ({ node }) => node),
    part('RabbitMQ', ({ rabbitmq }) => rabbitmq),
  ];
}

/** The parts that are not the same in all of these environments. */
export function differingParts(environments: readonly Environment[]): Part[] {
  return partsOf(environments).filter(({ values }) => new Set(values).size > 1);
}
