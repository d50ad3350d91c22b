import type { Outcome } from '@image-pipeline/shared/contracts/outcome.ts';
import type { ChaosSystem } from './chaos-system.ts';
import type { Client } from './client.ts';
import type { Draw } from '../draw.ts';
import type { Subscriber } from './subscriber.ts';

/** What a scenario works with. Whatever it uploads goes through `client`, so that the ledger knows of it. */
export interface ScenarioContext {
  readonly system: ChaosSystem;
  readonly client: Client;
  readonly subscriber: Subscriber;
  /** Seeded, so that a scenario can be repeated. */
  readonly draw: Draw;
  readonly say: (line: string) => void;
}

/** How long something took, and how long it may take, in milliseconds. */
export interface Recovery {
  readonly what: string;
  readonly ms: number;
  readonly goalMs: number;
}

/** What a scenario saw beside the ledger. */
export interface Observation {
  readonly recoveries?: readonly Recovery[];
  /** How images of its own making must end, by name. */
  readonly expected?: ReadonlyMap<string, Outcome['state']>;
}

/** One kind of fault under load. Throws if the system does not behave as expected. */
export interface Scenario {
  readonly name: string;
  /** What goes wrong, in words. */
  readonly fault: string;
  /** The store that it needs; any does without. */
  readonly store?: 'minio' | 'folder';
  run(context: ScenarioContext): Promise<Observation>;
}

/** What this machine or this version cannot show: said, and no failure. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

/** @throws Error with these words unless it holds */
export function mustHold(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
