/** The supervisor's process of `make up`. */
import { findPrometheus } from '../prometheus/find-prometheus.ts';
import { runSupervisor } from '../supervisor/run-supervisor.ts';
import { readEnvironment } from './dotenv.ts';
import { root, runFolder } from './paths.ts';
import { pipelinePlan } from './pipeline-plan.ts';

const prometheus = await findPrometheus();
const plan = pipelinePlan(runFolder, await readEnvironment(root), prometheus?.server);
await runSupervisor(plan, runFolder, root);
