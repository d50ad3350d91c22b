import { join } from 'node:path';
import { startSystem, type System } from '../../testing/start-system.ts';
import { readCorpus } from './corpus.ts';
import { fuzzInspectors } from './fuzz-inspectors.ts';
import { fuzzPipeline } from './fuzz-pipeline.ts';
import { makeFile } from './make-file.ts';
import { Tally } from './tally.ts';

const PROGRESS_MS = 5_000;
/** The share of the time for the inspectors alone. */
const INSPECTORS_PART = 0.25;

export interface FuzzSettings {
  readonly seed: number;
  /** How long new files are made; starting the system and the last files take longer. */
  readonly seconds: number;
  /** Where the files of findings are kept. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

export interface FuzzReport {
  readonly inspectors: Tally;
  readonly pipeline: Tally;
  /** Unexpected exits of services. */
  readonly crashes: readonly string[];
}

/** Lets the inspectors, and then a system of its own, process mutated files. Dispose it to end it early. */
export class FuzzRun implements AsyncDisposable {
  readonly #settings: FuzzSettings;
  readonly #ending = new AbortController();
  #system: Promise<System> | undefined;
  #ended: Promise<void> | undefined;

  constructor(settings: FuzzSettings) {
    this.#settings = settings;
  }

  /** @returns undefined if the run was ended early */
  async run(): Promise<FuzzReport | undefined> {
    const { seed, seconds, folder, say } = this.#settings;
    const corpus = await readCorpus();
    const make = (number: number) => makeFile(corpus, seed, number);
    const inspectors = new Tally(join(folder, 'inspectors'), seed, make);
    const pipeline = new Tally(join(folder, 'pipeline'), seed, make);

    say(`Inspectors alone: ${Math.round(seconds * INSPECTORS_PART)} s`);
    await this.#forSeconds(seconds * INSPECTORS_PART, inspectors, (stop) =>
      fuzzInspectors(seed, inspectors, stop),
    );
    if (this.#isEnding()) return undefined;
    say('Starting a system …');
    this.#system = startFuzzSystem();
    const system = await this.#system;
    say(`The whole pipeline: ${Math.round(seconds * (1 - INSPECTORS_PART))} s`);
    await this.#forSeconds(seconds * (1 - INSPECTORS_PART), pipeline, (stop) =>
      fuzzPipeline(system.apiUrl, make, pipeline, { stop, giveUp: this.#ending.signal }),
    );
    if (this.#isEnding()) return undefined;
    const crashes = system.services.flatMap((service) => service.crashes);
    if (crashes.length + pipeline.findings.length > 0) {
      system.keepFolder();
      say(`The logs of the services are in ${system.folder}/logs`);
    }
    return { inspectors, pipeline, crashes };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return (this.#ended ??= this.#end());
  }

  /** A call, because it may change during an await. */
  #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  async #end(): Promise<void> {
    this.#ending.abort();
    const system = await this.#system?.catch(() => undefined);
    await system?.[Symbol.asyncDispose]();
  }

  /** Runs `work` and aborts its signal after this many seconds; prints its progress until then. */
  async #forSeconds(
    seconds: number,
    tally: Tally,
    work: (stop: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const stop = AbortSignal.any([AbortSignal.timeout(seconds * 1_000), this.#ending.signal]);
    const began = performance.now();
    const progress = setInterval(() => {
      const elapsed = (performance.now() - began) / 1_000;
      this.#settings.say(progressLine(tally, elapsed));
    }, PROGRESS_MS);
    try {
      await work(stop);
    } finally {
      clearInterval(progress);
    }
    this.#settings.say(progressLine(tally, (performance.now() - began) / 1_000));
  }
}

function startFuzzSystem(): Promise<System> {
  return startSystem({
    name: 'fuzz',
    workers: 2,
    slots: 2,
    environment: () => ({ RETRY_DELAYS: '200ms,500ms,1s', LOG_LEVEL: 'error' }),
  });
}

function progressLine(tally: Tally, seconds: number): string {
  const { files, findings, slowest } = tally;
  return [
    `${seconds.toFixed(0)} s`.padStart(7),
    `${files} files (${Math.round(files / seconds)}/s)`,
    `slowest ${slowest.ms.toFixed(0)} ms (#${slowest.number})`,
    `${findings.length} findings`,
  ].join('  ');
}
