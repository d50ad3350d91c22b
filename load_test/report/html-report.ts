import { scripts } from '../result.ts';
import type { AnalysedMachine, AnalysedTest, Analysis } from './analyse.ts';
import { count, digits, list, moment, percent, runColumns } from './format.ts';
import type { Setting } from './group-runs.ts';
import { bound, html, table, type Markup } from './html.ts';
import type { LittlesLaw } from './measure-run.ts';
import { style } from './style.ts';
import { testSection } from './test-section.ts';

/** The report as one HTML document without external resources. */
export async function htmlReport(analysis: Analysis): Promise<string> {
  const { machines, notices } = analysis;
  const runs = machines.flatMap((machine) => machine.runs);
  const first = runs.reduce(
    (earliest, { measures }) => (measures.startedAt < earliest ? measures.startedAt : earliest),
    '9',
  );
  const last = runs.reduce(
    (latest, { measures }) => (measures.startedAt > latest ? measures.startedAt : latest),
    '',
  );
  const sections = await Promise.all(machines.map((machine) => machineSection(machine, machines.length > 1)));
  const headline = headlineOf(analysis);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Load test report: ${headline}</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        <header>
          <p class="eyebrow">Load test report</p>
          <h1>${bound(headline)}</h1>
          <p class="meta">
            ${count(runs.length, 'run')}, ${moment(first)} to ${moment(last)} UTC ·
            ${list(machines.map(({ machine }) => machine.label))}
          </p>
        </header>
        <main>
          ${
            notices.length === 0
              ? ''
              : html`<ul class="notices">
                  ${notices.map((notice) => html`<li>${notice}</li>`)}
                </ul>`
          }
          ${sections}
        </main>
        <footer>
          <p>
            Times come from each job’s status. Time to result is from the accepted upload to the completed
            job. Throughput is completed jobs from the first upload to the last result. Clock times are in
            UTC.
          </p>
        </footer>
      </body>
    </html> `;
  return page.text;
}

/** The most important conclusion of the runs. */
export function headlineOf({ machines }: Pick<Analysis, 'machines'>): string {
  const conclusions = machines.flatMap(({ tests }) => inOrder(tests).flatMap((test) => test.conclusions));
  const lost = conclusions.find(({ kind }) => kind === 'jobs-lost' || kind === 'jobs-unread');
  return (lost ?? conclusions.find(({ headline }) => headline !== undefined))?.headline ?? 'No job completed';
}

async function machineSection({ machine, runs, tests }: AnalysedMachine, named: boolean): Promise<Markup> {
  const sections: Markup[] = [];
  for (const test of inOrder(tests)) sections.push(await testSection(test, machine));
  return html`<div class="machine">
    ${named ? html`<h2 class="machine-name">${machine.label}</h2>` : ''}
    <section>
      <h2>All runs</h2>
      ${table({
        titles: [...runColumns.map(({ title }) => title), 'file'],
        rows: runs.map(({ measures, file }) => [...runColumns.map(({ cell }) => cell(measures)), file]),
        right: new Set(runColumns.flatMap(({ align }, i) => (align === 'right' ? [i] : []))),
      })}
      <p class="reading">
        w×s: workers × slots per worker. p50, p95 and p99: seconds from upload to result. The outcome of a
        bulk upload is the mean share of busy slots, that of a burst test the median recovery time, and that
        of a capacity test the knee, the highest sustained rate.
      </p>
    </section>
    ${sections} ${littlesLawSection(tests.flatMap(({ settings }) => settings))}
  </div>`;
}

function inOrder(tests: readonly AnalysedTest[]): AnalysedTest[] {
  return [...tests].sort((one, other) => scripts.indexOf(one.script) - scripts.indexOf(other.script));
}

function littlesLawSection(settings: readonly Setting[]): Markup {
  const rows = settings.flatMap((setting) =>
    setting.runs.flatMap(({ measures: { littlesLaw: law, layout, script } }) =>
      law === null
        ? []
        : [
            [
              script,
              layout,
              digits(law.rate),
              digits(law.seconds),
              digits(law.expected),
              digits(law.inSystem),
              digits(law.sampled),
            ],
          ],
    ),
  );
  if (rows.length === 0) return html``;
  return html`<section>
    <h2>Little’s law</h2>
    ${explainLittlesLaw(settings).map((text) => html`<p>${bound(text)}</p>`)}
    <details>
      <summary>Each run</summary>
      ${table({ titles: ['test', 'workers × slots', 'λ: ended/s', 'W: mean s', 'λW: jobs', 'L: timelines', 'L: monitoring'], rows })}
    </details>
  </section>`;
}

/** Below this relative difference, the two sides agree. */
const AGREES = 0.1;

/** What the check of Little's law means and whether it holds in these runs; one paragraph each. */
function explainLittlesLaw(settings: readonly Setting[]): string[] {
  const laws = settings.flatMap(({ runs }) => runs.flatMap(({ measures }) => measures.littlesLaw ?? []));
  const offBy = (value: (law: LittlesLaw) => number | null) =>
    laws.flatMap((law) => {
      const measured = value(law);
      return measured === null || law.expected === 0 ? [] : [Math.abs(measured / law.expected - 1)];
    });
  const [timelines, monitoring] = [offBy(({ inSystem }) => inSystem), offBy(({ sampled }) => sampled)];
  const paragraphs = [
    'L = λW: the mean number of jobs in the system (L) is the rate at which they leave (λ) times the mean time that each stays (W), for any order and any workload, provided that every job that enters also leaves. If the two sides differ, a measurement is wrong or jobs are missing.',
  ];
  const worst = Math.max(0, ...timelines);
  paragraphs.push(
    worst < 0.005
      ? 'From the timelines both sides agree exactly, as they must when every job ended: no timeline is missing or out of order.'
      : `From the timelines the sides differ by up to ${percent(worst)}: jobs that did not end count in L, but not in λ and W.`,
  );
  if (monitoring.length === 0) {
    paragraphs.push(
      'Monitoring took too few samples in these runs for a check that does not depend on the timelines.',
    );
  } else {
    const most = Math.max(...monitoring);
    paragraphs.push(
      `Monitoring’s samples are an independent measurement of L. In ${count(monitoring.length, 'run')} they differ from λW by at most ${percent(most)}: ` +
        (most < AGREES
          ? 'the two agree.'
          : 'samples are taken at intervals, so a short run has few and can miss its peak; in a long run such a difference would be an error.'),
    );
  }
  return paragraphs;
}
