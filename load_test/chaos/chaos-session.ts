import { startChaosSystem, type ChaosSystem } from './chaos-system.ts';
import type { ChaosRun } from './options.ts';
import { ledgerTable, scenarioLine } from './report.ts';
import { runScenario, type ScenarioResult } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';

/** A system is used for one scenario after the other, until one has failed on it or needs another store. */
export class ChaosSession implements AsyncDisposable {
  readonly #run: ChaosRun;
  readonly #say: (line: string) => void;
  #system: ChaosSystem | undefined;
  /** What was asked for; where there is no MinIO it is a folder nevertheless. */
  #store: ChaosRun['store'] | undefined;
  #starting: Promise<ChaosSystem> | undefined;
  #ended = false;

  constructor(run: ChaosRun, say: (line: string) => void) {
    this.#run = run;
    this.#say = say;
  }

  /** Prints a line of it, and the ledger where it has failed or `verbose` asks for it. */
  async run(scenario: Scenario, verbose: boolean): Promise<ScenarioResult> {
    const system = await this.#systemWith(scenario.store ?? this.#run.store);
    if (verbose) this.#say(`${scenario.name}: ${scenario.fault}`);
    const result = await runScenario(scenario, system, this.#run.seed, this.#say);
    this.#say(scenarioLine(result));
    if (result.ledger !== undefined && (verbose || result.verdict === 'FAIL')) {
      this.#say(ledgerTable(result.ledger));
    }
    if (result.verdict === 'FAIL') {
      system.services.keepFolder();
      this.#say(`  Logs: ${system.services.folder}/logs`);
      await this.#end();
    }
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#starting?.catch(() => undefined);
    await this.#end();
  }

  async #systemWith(store: ChaosRun['store']): Promise<ChaosSystem> {
    if (this.#ended) throw new Error('interrupted');
    if (this.#store !== store) await this.#end();
    if (this.#system !== undefined) return this.#system;
    this.#store = store;
    this.#starting = startChaosSystem({ store, say: this.#say });
    this.#system = await this.#starting;
    return this.#system;
  }

  async #end(): Promise<void> {
    const system = this.#system;
    this.#system = undefined;
    await system?.[Symbol.asyncDispose]();
  }
}
