#!/usr/bin/env -S npx node
import { randomInt } from 'node:crypto';
import { UserError } from '../../local/user-error.ts';
import { endOnSignal, runProgram } from '../run-program.ts';
import { startChaosSystem, type ChaosSystem } from './chaos-system.ts';
import { reportTable } from './check-evidence.ts';
import { runScenario, type ScenarioResult } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';
import { allScenarios } from './scenarios/all.ts';

const MAX_SEED = 2 ** 31 - 1;
const NAME_WIDTH = 24;

/** The settings of `make chaos`. */
interface ChaosSettings {
  /** Seed of the random mix, and of random moments within scenarios. */
  readonly seed: number;
  /** Whether the seed was given: then only the random mix runs, to repeat an earlier run. */
  readonly isRepeat: boolean;
  /** Uploads of the storm and of the random mix, and their duration. */
  readonly jobs: number;
  readonly seconds: number;
  /** Comma-separated names; undefined: all. */
  readonly scenario: string | undefined;
  readonly store: 'minio' | 'folder';
}

/** Reads SEED, JOBS, SECONDS, SCENARIO and STORE. @throws UserError that names the invalid setting */
function readSettings(env: NodeJS.ProcessEnv): ChaosSettings {
  const seed = wholeNumber(env, 'SEED', MAX_SEED);
  const store = env['STORE'] ?? '';
  if (store !== '' && store !== 'minio' && store !== 'folder') {
    throw new UserError(`STORE is "${store}", but must be minio or folder`);
  }
  return {
    seed: seed ?? randomInt(MAX_SEED),
    isRepeat: seed !== undefined,
    jobs: wholeNumber(env, 'JOBS', 100_000) ?? 500,
    seconds: wholeNumber(env, 'SECONDS', 86_400) ?? 120,
    scenario: env['SCENARIO'] === '' ? undefined : env['SCENARIO'],
    store: store === '' ? 'minio' : store,
  };
}

function wholeNumber(env: NodeJS.ProcessEnv, name: string, max: number): number | undefined {
  const text = env[name] ?? '';
  if (text === '') return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value;
  throw new UserError(
    `${name} is "${text}", but must be a whole number from 1 to ${max}, for example ${name}=42`,
  );
}

/** Runs scenarios on one system, until one fails or needs another store: then the next one gets a new system. */
class ChaosSession implements AsyncDisposable {
  readonly #settings: ChaosSettings;
  #system: ChaosSystem | undefined;
  /** The requested store; if MinIO is not available, the system uses a folder instead. */
  #store: ChaosSettings['store'] | undefined;
  #starting: Promise<ChaosSystem> | undefined;
  #ended = false;

  constructor(settings: ChaosSettings) {
    this.#settings = settings;
  }

  /** Prints one line, and the table of the evidence if the scenario failed or `verbose` is true. */
  async run(scenario: Scenario, verbose: boolean): Promise<ScenarioResult> {
    const system = await this.#systemWith(scenario.store ?? this.#settings.store);
    if (verbose) console.log(`${scenario.name}: ${scenario.fault}`);
    const result = await runScenario(scenario, system, this.#settings.seed, console.log);
    console.log(resultLine(result));
    if (result.report !== undefined && (verbose || result.status === 'FAIL')) {
      console.log(reportTable(result.report));
    }
    if (result.status === 'FAIL') {
      system.services.keepFolder();
      console.log(`  Logs: ${system.services.folder}/logs`);
      await this.#end();
    }
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#starting?.catch(() => undefined);
    await this.#end();
  }

  async #systemWith(store: ChaosSettings['store']): Promise<ChaosSystem> {
    if (this.#ended) throw new Error('interrupted');
    if (this.#store !== store) await this.#end();
    if (this.#system !== undefined) return this.#system;
    this.#store = store;
    this.#starting = startChaosSystem({ store, say: console.log });
    this.#system = await this.#starting;
    return this.#system;
  }

  async #end(): Promise<void> {
    const system = this.#system;
    this.#system = undefined;
    await system?.[Symbol.asyncDispose]();
  }
}

function resultLine({ scenario, status, reasons, recoveries, report }: ScenarioResult): string {
  const jobs = report === undefined ? '' : `${report.counts['accepted'] ?? 0} jobs`;
  const times = recoveries.map(
    ({ what, ms, goalMs }) => `${what} ${(ms / 1_000).toFixed(1)} s (goal ≤ ${goalMs / 1_000} s)`,
  );
  const because = reasons.length === 0 ? '' : `— ${reasons.join('; ')}`;
  return [
    scenario.name.padEnd(NAME_WIDTH),
    status.padEnd(8),
    jobs.padStart(9),
    ` ${times.join('; ')}`,
    because,
  ]
    .join(' ')
    .trimEnd();
}

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const all = allScenarios(settings);
  const wanted = settings.scenario ?? (settings.isRepeat ? 'random-mix' : undefined);
  const chosen = all.filter(({ name }) => wanted === undefined || wanted.split(',').includes(name));
  if (chosen.length === 0) {
    throw new UserError(
      `Unknown scenario ${wanted ?? ''}. Scenarios: ${all.map(({ name }) => name).join(', ')}`,
    );
  }
  const session = new ChaosSession(settings);
  endOnSignal(session);
  const failed: string[] = [];
  try {
    for (const scenario of chosen) {
      const isMix = scenario.name === 'storm' || scenario.name === 'random-mix';
      const { status } = await session.run(scenario, isMix || chosen.length === 1);
      if (status === 'FAIL') failed.push(scenario.name);
    }
  } finally {
    await session[Symbol.asyncDispose]();
  }
  console.log(failed.length === 0 ? '\nAll scenarios passed.' : `\nFailed: ${failed.join(', ')}`);
  if (chosen.some(({ name }) => name === 'random-mix')) {
    console.log(
      `To repeat the random mix: make chaos SEED=${settings.seed} JOBS=${settings.jobs} SECONDS=${settings.seconds}`,
    );
  }
  process.exitCode = failed.length === 0 ? 0 : 1;
}

await runProgram(main);
