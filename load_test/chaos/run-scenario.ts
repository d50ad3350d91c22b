import { messageOf } from '@image-pipeline/shared/errors.ts';
import { slowImage, smallImages } from './chaos-image.ts';
import type { ChaosSystem } from './chaos-system.ts';
import { Client } from './client.ts';
import { collectJobs, idsFrom } from './collect-evidence.ts';
import { makeLedger, type Ledger } from './ledger.ts';
import { acceptedIds } from './note.ts';
import { Skipped, type Recovery, type Scenario } from './scenario.ts';
import { drawFrom } from '../draw.ts';
import { settle } from './settle.ts';
import { Subscriber } from './subscriber.ts';

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly verdict: 'PASS' | 'FAIL' | 'SKIPPED';
  /** Why it failed or was skipped. */
  readonly reasons: readonly string[];
  readonly recoveries: readonly Recovery[];
  /** Undefined where it was skipped. */
  readonly ledger: Ledger | undefined;
}

/** Runs one scenario to its end, waits for rest, and makes the ledger of it. Never rejects for what it finds. */
export async function runScenario(
  scenario: Scenario,
  system: ChaosSystem,
  seed: number,
  say: (line: string) => void,
): Promise<ScenarioResult> {
  const since = idsFrom(Date.now());
  const crashesBefore = crashesOf(system).length;
  const client = new Client(system.services.apiUrl);
  await using subscriber = new Subscriber(system.services.notificationUrl);
  const reasons: string[] = [];
  let recoveries: readonly Recovery[] = [];
  const expected = new Map([...smallImages, slowImage].map(({ name, ends }) => [name, ends]));
  try {
    await subscriber.connected;
    const seen = await scenario.run({ system, client, subscriber, draw: drawFrom(seed), say });
    recoveries = seen.recoveries ?? [];
    for (const [name, ends] of seen.expected ?? []) expected.set(name, ends);
  } catch (error) {
    if (error instanceof Skipped) {
      return { scenario, verdict: 'SKIPPED', reasons: [error.message], recoveries, ledger: undefined };
    }
    reasons.push(messageOf(error));
  }
  for (const { what, ms, goalMs } of recoveries) {
    if (ms > goalMs) reasons.push(`${what}: ${(ms / 1_000).toFixed(1)} s is more than ${goalMs / 1_000} s`);
  }
  const rest = await settle(system, acceptedIds(client.notes), subscriber);
  const ledger = makeLedger({
    notes: client.notes,
    expected,
    jobs: await collectJobs(system.store.direct, since),
    queues: rest.queues,
    toldEnds: subscriber.ends,
    temporaryFiles: rest.temporaryFiles,
    strays: rest.strays,
    crashes: crashesOf(system).slice(crashesBefore),
  });
  if (subscriber.resets.length > 0) say(`  the subscriber received resets: ${subscriber.resets.join(', ')}`);
  const passed = reasons.length === 0 && ledger.violations.length === 0;
  return { scenario, verdict: passed ? 'PASS' : 'FAIL', reasons, recoveries, ledger };
}

function crashesOf(system: ChaosSystem): string[] {
  return system.services.services.flatMap(({ crashes }) => crashes);
}
