import { findPrometheus } from '../prometheus/find-prometheus.ts';
import { root, runFolder } from './paths.ts';
import { readEnvironment } from './dotenv.ts';
import { pipelinePlan } from './pipeline-plan.ts';
import { runSupervisor } from '../supervisor/run-supervisor.ts';

const prometheus = await findPrometheus();
const plan = pipelinePlan(runFolder, await readEnvironment(root), prometheus?.server);
await runSupervisor(plan, runFolder, root);
