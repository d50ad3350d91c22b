/** The supervisor's process for its tests: the fixture plan with the broker of BROKER_FOLDER, in RUN_FOLDER. */
import { RunFolder } from '../supervisor/run-folder.ts';
import { runSupervisor } from '../supervisor/run-supervisor.ts';
import { fixturePlan } from './fixture-plan.ts';

const { BROKER_FOLDER = '', RUN_FOLDER = '' } = process.env;

await runSupervisor(fixturePlan(BROKER_FOLDER), new RunFolder(RUN_FOLDER), process.cwd());
