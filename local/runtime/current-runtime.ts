import { ComposeRuntime } from '../compose/compose-runtime.ts';
import { ComposeProject } from '../compose/compose-project.ts';
import { findCompose } from '../compose/find-compose.ts';
import { readEnvironment } from '../pipeline/dotenv.ts';
import { readLocalConfig } from '../pipeline/local-config.ts';
import { root, runFolder } from '../pipeline/paths.ts';
import { systemState } from '../pipeline/running-system.ts';
import { UserError } from '../user-error.ts';
import { localRuntime } from '../without-docker/local-runtime.ts';
import { chooseRuntime } from './choose-runtime.ts';
import type { Runtime, RuntimeKind } from './runtime.ts';

const NO_ENGINE =
  'RUNTIME=compose is set, but Docker with Compose is not available. Start Docker (check: docker info), or set RUNTIME=local.';

/** The runtime that a command is for, on this machine at this moment; see chooseRuntime. */
export async function currentRuntime(): Promise<Runtime> {
  const { RUNTIME: wanted } = readLocalConfig(await readEnvironment(root));
  const running: RuntimeKind[] = (await systemState(runFolder)) === 'stopped' ? [] : ['local'];
  const compose = await findCompose();
  const project = compose && new ComposeProject(compose, root);
  if (await project?.isRunning()) running.push('compose');
  const kind = chooseRuntime({ running, wanted, engineAnswers: compose !== undefined });
  if (kind === 'local') return localRuntime;
  if (project === undefined) throw new UserError(NO_ENGINE);
  return new ComposeRuntime(project);
}
