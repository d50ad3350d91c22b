#!/usr/bin/env -S npx node
import { UserError } from '../../local/user-error.ts';
import { endOnSignal, runProgram } from '../run-program.ts';
import { measureAttacks } from './attacks.ts';
import { measureBacklog } from './backlog.ts';
import { BenchRun } from './bench-run.ts';
import { measureEngines } from './engines.ts';
import { measureEta } from './eta.ts';
import { measureFairness } from './fairness.ts';
import { measureGuarantees } from './guarantees.ts';
import { measureLatency } from './latency.ts';
import { measureMemory } from './memory.ts';
import { measureMinio } from './minio.ts';
import { measureLittlesLaw, measureMonitoring } from './monitoring.ts';
import { measurePage } from './page.ts';
import { makePhotos } from './photos.ts';
import { describeMachine, markdownTable, writeSection, type Section } from './report.ts';
import { measureSlots } from './slots.ts';
import { measureSystem } from './system.ts';
import { measureUploads } from './uploads.ts';

interface Part {
  readonly title: string;
  /** About so long on two cores. */
  readonly seconds: number;
  /** Only with LONG=1, or by its name. */
  readonly isLong?: boolean;
  readonly measure: (bench: BenchRun) => Promise<Section>;
}

const parts: Readonly<Record<string, Part>> = {
  engines: { title: 'Engines alone', seconds: 80, measure: measureEngines },
  system: { title: 'System compared with bare loops', seconds: 130, measure: measureSystem },
  slots: { title: 'One, two and three slots', seconds: 125, measure: measureSlots },
  latency: { title: 'Latency of an idle system', seconds: 40, measure: measureLatency },
  uploads: { title: 'Uploads alone', seconds: 60, measure: measureUploads },
  guarantees: { title: 'Price of each guarantee', seconds: 135, measure: measureGuarantees },
  minio: { title: 'MinIO as store', seconds: 70, measure: measureMinio },
  memory: { title: 'Memory over many jobs', seconds: 200, isLong: true, measure: measureMemory },
  backlog: { title: 'Long queue', seconds: 150, isLong: true, measure: measureBacklog },
  eta: { title: 'Error of eta_seconds', seconds: 40, isLong: true, measure: measureEta },
  fairness: {
    title: 'Photos beside hostile and costly files',
    seconds: 200,
    isLong: true,
    measure: measureFairness,
  },
  attacks: { title: 'Other clients during attacks', seconds: 720, isLong: true, measure: measureAttacks },
  monitoring: { title: 'Cost of monitoring', seconds: 260, isLong: true, measure: measureMonitoring },
  page: { title: 'The web page', seconds: 900, isLong: true, measure: measurePage },
  law: { title: 'Little’s law', seconds: 220, isLong: true, measure: measureLittlesLaw },
};

/** Reads PART (comma-separated names) and LONG. @throws UserError that names the unknown part */
function chooseParts({ PART = '', LONG = '' }: NodeJS.ProcessEnv): [string, Part][] {
  if (PART === '') return Object.entries(parts).filter(([, { isLong }]) => LONG !== '' || isLong !== true);
  return PART.split(',').map((name) => {
    const part = parts[name];
    if (part !== undefined) return [name, part];
    throw new UserError(`Unknown part "${name}". Parts: ${Object.keys(parts).join(', ')}`);
  });
}

async function main(): Promise<void> {
  const chosen = chooseParts(process.env);
  const seconds = chosen.reduce((total, [, part]) => total + part.seconds, 0);
  console.log(`${describeMachine()}\nThis takes about ${Math.ceil(seconds / 60)} minutes. Ctrl-C ends it.`);
  await using bench = new BenchRun(await makePhotos());
  endOnSignal(bench);
  for (const [name, { title, measure }] of chosen) {
    console.log(`\n${title}`);
    const since = performance.now();
    const section = await measure(bench);
    console.log(`\n${markdownTable(section)}`);
    if (process.env['WRITE'] === '1') await writeSection(name, section, (performance.now() - since) / 1_000);
  }
}

await runProgram(main);
