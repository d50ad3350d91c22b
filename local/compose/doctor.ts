import { z } from 'zod';
import { root } from '../pipeline/paths.ts';
import { checkDisk, checkPort, checkWorkers } from '../runtime/checks.ts';
import { printFindings, type Finding } from '../terminal/findings.ts';
import type { ComposeProject } from './compose-project.ts';
import { workersOf } from './container.ts';

/** What all containers with two workers use under load; the sum of their limits is higher. */
const NEEDED_MEMORY = 3_000_000_000;

const engineSchema = z.object({
  ServerVersion: z.string(),
  MemTotal: z.number(),
  NCPU: z.int(),
  DockerRootDir: z.string(),
});

/**
 * `make doctor` with Compose: engine, memory, cores, disk, ports or containers, a line each.
 * @param ports what each port of this machine is for: the variable of `.env` that moves it
 */
export async function doctor(project: ComposeProject, ports: ReadonlyMap<number, string>): Promise<void> {
  const engine = engineSchema.parse(JSON.parse(await project.docker(['info', '--format', '{{json .}}'])));
  const { text: version } = await project.compose(['version', '--short']);
  const memory = `${(engine.MemTotal / 1e9).toFixed(1)} GB of memory`;
  const findings: Finding[] = [
    { is: 'ok', text: `Docker ${engine.ServerVersion}, Compose ${version.trim()}` },
    engine.MemTotal >= NEEDED_MEMORY
      ? { is: 'ok', text: `Docker has ${memory}` }
      : {
          is: 'fix',
          text: `Docker has ${memory}, but needs ${NEEDED_MEMORY / 1e9} GB. Raise the limit in the settings of Docker`,
        },
    engine.NCPU >= 2
      ? { is: 'ok', text: `Docker has ${engine.NCPU} cores` }
      : {
          is: 'fix',
          text: 'Docker has 1 core, but docker-compose.yml needs 2. Raise the limit in the settings of Docker',
        },
  ];
  const containers = await project.containers();
  findings.push(await checkDisk(root, 'docker system prune -a, then make up'));
  if (containers.length === 0) {
    findings.push({ is: 'note', text: 'The system is not running. To start it: make up' });
    for (const [port, variable] of ports) {
      const text = `port ${port} (${variable}) is in use. Stop the program (to find it: lsof -i :${port}), or set ${variable} in .env to another port`;
      findings.push(await checkPort(port, variable, { is: 'fix', text }));
    }
  } else {
    const workers = workersOf(containers).filter(({ state }) => state !== 'stopped').length;
    const monitoring = containers.find(({ service }) => service === 'monitoring')?.ports.get(8002);
    const url = monitoring === undefined ? undefined : `http://localhost:${monitoring}`;
    findings.push(await checkWorkers(workers, url));
  }
  for (const { name, service, state, exitCode, isDone } of containers) {
    if (isDone) continue;
    if (state === 'ready') findings.push({ is: 'ok', text: `${name} is ready` });
    else if (state === 'stopped') findings.push({ is: 'note', text: `${name} is stopped` });
    else {
      const ended = state === 'failed' || state === 'restarting' ? ` (exit code ${exitCode})` : '';
      findings.push({ is: 'fix', text: `${name} is ${state}${ended}. See: make logs SERVICE=${service}` });
    }
  }
  printFindings(findings);
}
