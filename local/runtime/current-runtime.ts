import { ComposeProject, findCompose } from '../compose/compose-project.ts';
import { ComposeRuntime } from '../compose/compose-runtime.ts';
import { readEnvironment } from '../pipeline/dotenv.ts';
import { readLocalConfig } from '../pipeline/local-config.ts';
import { root, runFolder } from '../pipeline/paths.ts';
import { isRunning } from '../supervisor/control.ts';
import { UserError } from '../user-error.ts';
import { localRuntime } from '../without-docker/local-runtime.ts';
import type { Runtime, RuntimeKind } from './runtime.ts';

const NO_ENGINE =
  'RUNTIME=compose is set, but Docker with Compose is not available. Start Docker (check: docker info), or set RUNTIME=local.';

/** The runtime of a command; see chooseRuntime. */
export async function currentRuntime(): Promise<Runtime> {
  const { RUNTIME: configured } = readLocalConfig(await readEnvironment(root));
  const running: RuntimeKind[] = (await isRunning(runFolder.socket)) ? ['local'] : [];
  const compose = await findCompose();
  const project = compose && new ComposeProject(compose, root);
  if (await project?.isRunning()) running.push('compose');
  const kind = chooseRuntime({ running, configured, hasEngine: compose !== undefined });
  if (kind === 'local') return localRuntime;
  if (project === undefined) throw new UserError(NO_ENGINE);
  return new ComposeRuntime(project);
}

export interface RuntimeFacts {
  /** The runtimes whose system is running. */
  readonly running: readonly RuntimeKind[];
  /** `RUNTIME` of `.env` or the shell. */
  readonly configured: RuntimeKind | 'auto';
  /** Whether a Docker engine responds, and Compose is installed. */
  readonly hasEngine: boolean;
}

/** The runtime of the running system; else the configured one; else Compose if there is a Docker engine. */
export function chooseRuntime({ running, configured, hasEngine }: RuntimeFacts): RuntimeKind {
  const [only, ...others] = running;
  if (only !== undefined && others.length === 0) return only;
  if (configured !== 'auto') return configured;
  return hasEngine ? 'compose' : 'local';
}
