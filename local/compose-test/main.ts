#!/usr/bin/env -S npx node
import { realpathSync } from 'node:fs';
import { rm, cp, mkdtemp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { findCompose } from '../compose/find-compose.ts';
import { root } from '../pipeline/paths.ts';
import { freePort } from '../process/free-port.ts';
import { Stack } from './stack.ts';
import { walk } from './step.ts';
import { badInput } from './steps/bad-input.ts';
import { bringUp } from './steps/bring-up.ts';
import { cluster } from './steps/cluster.ts';
import { data } from './steps/data.ts';
import { figures } from './steps/figures.ts';
import { handout } from './steps/handout.ts';
import { hardening } from './steps/hardening.ts';
import { kills } from './steps/kills.ts';
import { troubleshooting } from './steps/troubleshooting.ts';

/** The handout's, so they must be free. */
const PORTS = [3000, 8000, 8001, 8002, 9000, 9001, 9090, 15_672];

const walks = {
  handout: [
    ...bringUp,
    ...handout,
    ...figures,
    ...troubleshooting,
    ...hardening,
    ...kills,
    ...badInput,
    ...data,
  ],
  cluster,
} as const;

/**
 * `make test-compose`: a fresh clone, brought up with Compose, walked through the handout, and torn down.
 * `make test-compose-cluster`: the same with three RabbitMQ nodes, each killed in turn.
 */
const walked = process.argv[2] === 'cluster' ? 'cluster' : 'handout';
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
const files = walked === 'cluster' ? { COMPOSE_FILE: 'docker-compose.yml:docker-compose.cluster.yml' } : {};
const stack = new Stack(compose, await freshClone(root), files);
/** Also what a run that was killed has left. */
const removeAll = () => stack.tryLine('docker-compose down -v --remove-orphans');
const tearDown = async () => {
  await removeAll();
  await rm(stack.folder, { recursive: true, force: true });
};
process.once('SIGINT', () => void tearDown().finally(() => process.exit(130)));

try {
  await removeAll();
  const failed = await walk(walks[walked], stack);
  console.log(failed === 0 ? '\nAll passed.' : `\n${failed} failed.`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  await tearDown();
}

/** What a clone of this repository would hold, with what is not committed yet; the packages are this one's. */
async function freshClone(root: string): Promise<string> {
  const folder = await mkdtemp(join(realpathSync(tmpdir()), 'image-pipeline-compose-'));
  const listed = await execa('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
  });
  for (const file of listed.stdout.split('\0').filter(Boolean)) {
    await cp(join(root, file), join(folder, file), { recursive: true, force: true }).catch(() => undefined);
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}
