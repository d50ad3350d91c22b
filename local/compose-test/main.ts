#!/usr/bin/env -S npx node
import { rm } from 'node:fs/promises';
import { findCompose } from '../compose/compose-project.ts';
import { root } from '../pipeline/paths.ts';
import { freePort } from '../process/free-port.ts';
import { freshClone } from './fresh-clone.ts';
import { Stack } from './stack.ts';
import { runSteps } from './step.ts';
import { allLimits } from './steps/all-limits.ts';
import { badInput } from './steps/bad-input.ts';
import { bringUp } from './steps/bring-up.ts';
import { cluster } from './steps/cluster.ts';
import { data } from './steps/data.ts';
import { hardening } from './steps/hardening.ts';
import { kills } from './steps/kills.ts';
import { metrics } from './steps/metrics.ts';
import { tasks } from './steps/tasks.ts';
import { troubleshooting } from './steps/troubleshooting.ts';

/** The default ports, which the tasks of the README use; they must be free. */
const PORTS = [3000, 8000, 8001, 8002, 9000, 9001, 9090, 15_672];

const tests = {
  tasks: [
    ...bringUp,
    ...tasks,
    ...metrics,
    ...troubleshooting,
    ...hardening,
    allLimits,
    ...kills,
    ...badInput,
    ...data,
  ],
  cluster,
} as const;

/**
 * `make test-compose`: a fresh clone is started with Compose, the tasks of the README are run in it, and it is removed.
 * `make test-compose-cluster`: the same with three RabbitMQ nodes, each killed in turn.
 */
const test = process.argv[2] === 'cluster' ? 'cluster' : 'tasks';
const compose = await findCompose();
if (compose === undefined) {
  console.error('Docker with Compose is not available. Start Docker, and check: docker info');
  process.exit(1);
}
for (const port of PORTS) {
  if ((await freePort([port], [])) === port) continue;
  console.error(
    `Port ${port} is in use, but the test needs the default ports. Stop the program that uses it, for example: make down`,
  );
  process.exit(1);
}
const files = test === 'cluster' ? { COMPOSE_FILE: 'docker-compose.yml:docker-compose.cluster.yml' } : {};
const stack = new Stack(compose, await freshClone(root), files);
/** Also the containers of a run that was killed. */
const removeAll = () => stack.tryLine('docker-compose down -v --remove-orphans');
const tearDown = async () => {
  await removeAll();
  await rm(stack.folder, { recursive: true, force: true });
};
process.once('SIGINT', () => void tearDown().finally(() => process.exit(130)));

try {
  await removeAll();
  const failed = await runSteps(tests[test], stack);
  console.log(failed === 0 ? '\nAll passed.' : `\n${failed} failed.`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  await tearDown();
}
