import { scripts } from '../result.ts';
import { ganttChart } from './charts/gantt-chart.ts';
import { burstChart, capacityChart, stepRows, sustainedMeans } from './charts/overload-charts.ts';
import { scalingCharts, scalingRows } from './charts/slots-charts.ts';
import { timeCharts } from './charts/time-charts.ts';
import {
  type AnalysedMachine,
  type AnalysedTest,
  type Analysis,
  type Conclusion,
  explainLittlesLaw,
} from './conclude.ts';
import { explainUsl } from './conclude-scaling.ts';
import { count, digits, list, moment, runColumns, whole } from './format.ts';
import { environmentParts, type Machine, type Setting } from './group-runs.ts';
import { bound, chartFigures, html, type Markup, style, table } from './html.ts';
import { type Run, totalsByCode } from './measure-run.ts';

/** The report as one HTML document without external resources. */
export async function htmlReport(analysis: Analysis): Promise<string> {
  const { machines, notices } = analysis;
  const runs = machines.flatMap((machine) => machine.runs);
  const starts = runs.map(({ startedAt }) => startedAt).sort();
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
            ${count(runs.length, 'run')}, ${moment(starts[0] ?? '')} to ${moment(starts.at(-1) ?? '')} UTC ·
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
        rows: runs.map((run) => [...runColumns.map(({ cell }) => cell(run)), run.file]),
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
  const runs = settings.flatMap((setting) => setting.runs);
  const rows = runs.flatMap(({ littlesLaw: law, layout, script }) => {
    if (law === null) return [];
    const { rate, seconds, expected, inSystem, sampled } = law;
    return [[script, layout, ...[rate, seconds, expected, inSystem, sampled].map(digits)]];
  });
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

/** The section of one test: its conclusions, charts and tables. */
async function testSection(test: AnalysedTest, machine: Machine): Promise<Markup> {
  const { title, parameters, environment, settings, scaling, conclusions, script } = test;
  const chips = [
    ...Object.entries(parameters).map(([name, value]) => ({ name, values: [String(value)] })),
    ...environmentParts([environment]),
  ].map(({ name, values }) => html`<li><span>${name}</span> ${values.join()}</li>`);
  return html`<section>
    <h2>${title}</h2>
    <ul class="chips">
      ${chips}
    </ul>
    <ul class="conclusions">
      ${conclusions.map(conclusionItem)}
    </ul>
    ${
      scaling === null
        ? ''
        : html` <div class="charts">${await chartFigures(scalingCharts(scaling, machine))}</div>
            ${table(scalingRows(scaling.points))}
            <p class="reading">
              Medians of the repeats. Processing is the mean time that a worker spends on one job; busy is the
              mean share of busy slots.
            </p>`
    }
    ${
      script === 'bulk_upload' && settings.length > 0
        ? html`<h3>Universal Scalability Law</h3>
            ${explainUsl(test).map((text) => html`<p>${bound(text)}</p>`)}`
        : ''
    }
    ${script === 'burst_test' ? await burstParts(settings) : ''}
    ${script === 'capacity_test' ? await capacityParts(settings) : ''}
    <div class="charts">${await chartFigures([...timeCharts(test), ...ganttChart(settings)])}</div>
    ${failuresPart([...settings.flatMap(({ runs }) => runs), ...test.incomplete])}
  </section>`;
}

async function burstParts(settings: readonly Setting[]): Promise<Markup[]> {
  const parts: Markup[] = [];
  for (const setting of settings) {
    const rows = setting.runs.flatMap((run, i) =>
      run.recoveries.map(({ number, size, accepted, before, peak, seconds }) => [
        String(i + 1),
        String(number),
        seconds === null && accepted > 0 ? 'never' : digits(seconds),
        whole(peak),
        whole(before),
        whole(size),
      ]),
    );
    parts.push(
      html`<div class="charts">${await chartFigures(burstChart(setting))}</div>
        ${table({ titles: ['run', 'burst', 'recovery s', 'peak', 'before', 'images'], rows })}
        <p class="reading">
          Recovery is the time from the burst until the queue is back at its level before it. Peak and before
          are numbers of waiting jobs.
        </p>`,
    );
  }
  return parts;
}

async function capacityParts(settings: readonly Setting[]): Promise<Markup[]> {
  const parts: Markup[] = [];
  for (const setting of settings) {
    parts.push(
      html`<div class="charts">${await chartFigures(capacityChart(setting))}</div>
        ${table(stepRows(setting))}
        <p class="reading">${bound(sustainedMeans)}</p>`,
    );
  }
  return parts;
}

function failuresPart(runs: readonly Run[]): Markup {
  const prefixed = (prefix: string, counts: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(counts).map(([code, number]) => [`${prefix}: ${code}`, number]));
  const found = totalsByCode(
    runs.flatMap((run) => [
      prefixed('failed', run.failures),
      prefixed('refused', run.refused),
      { 'lost: did not end': run.lost, 'unread: no status': run.unread },
    ]),
  );
  if (found.length === 0) return html``;
  const most = Math.max(...found.map(([, number]) => number));
  return html`<h3>Failures by code</h3>
    <ul class="bars">
      ${found.map(([code, number]) => html`<li><code>${code}</code><span class="bar" style="width:${Math.max(1, Math.round((number / most) * 100))}%"></span><b>${whole(number)}</b></li>`)}
    </ul>`;
}

const TONES = { good: 'Good', note: 'Note', problem: 'Problem' } as const;

function conclusionItem({ tone, text }: Conclusion): Markup {
  return html`<li class="${tone}"><span class="tone">${TONES[tone]}</span> ${bound(text)}</li>`;
}
