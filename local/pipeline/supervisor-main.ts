import { root, runFolder } from './paths.ts';
import { readEnvironment } from './dotenv.ts';
import { pipelinePlan } from './pipeline-plan.ts';
import { runSupervisor } from '../supervisor/run-supervisor.ts';

await runSupervisor(pipelinePlan(runFolder, await readEnvironment(root)), runFolder, root);
