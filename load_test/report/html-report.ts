import { scripts } from '../result.ts';
import type { AnalysedMachine, AnalysedTest, Analysis } from './analyse.ts';
import { burstChart } from './charts/burst-chart.ts';
import { capacityChart, stepRows, sustainedMeans } from './charts/capacity-chart.ts';
import { drawChart, type Chart } from './charts/chart.ts';
import { ganttChart } from './charts/gantt-chart.ts';
import { scalingCharts, scalingRows } from './charts/scaling-charts.ts';
import { timeCharts } from './charts/time-charts.ts';
import type { Conclusion } from './conclude.ts';
import { explainLittlesLaw, explainUsl } from './explain-laws.ts';
import { count, digits, list, moment, printable, whole } from './format.ts';
import type { Setting } from './group-runs.ts';
import { html, Markup } from './markup.ts';
import { runColumns } from './run-table.ts';
import { style } from './style.ts';

/** The report as one HTML document that loads nothing. */
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
                  ${notices.map((notice) => html`<li>${printable(notice)}</li>`)}
                </ul>`
          }
          ${sections}
        </main>
        <footer>
          <p>
            Times are the system's own, from each job's status. Time to result is from the accepted upload to
            the completed job. Throughput is completed jobs from the first upload to the last result. Clock
            times are in UTC.
          </p>
        </footer>
      </body>
    </html> `;
  return page.text;
}

/** The most important thing that the runs say. */
export function headlineOf({ machines }: Pick<Analysis, 'machines'>): string {
  const conclusions = machines.flatMap(({ tests }) => inOrder(tests).flatMap((test) => test.conclusions));
  const lost = conclusions.find(({ kind }) => kind === 'jobs-lost' || kind === 'jobs-unread');
  return (
    (lost ?? conclusions.find(({ headline }) => headline !== undefined))?.headline ?? 'No job was completed'
  );
}

async function machineSection({ machine, runs, tests }: AnalysedMachine, named: boolean): Promise<Markup> {
  const sections: Markup[] = [];
  for (const test of inOrder(tests)) sections.push(await testSection(test, { machine, runs, tests }));
  return html`<div class="machine">
    ${named ? html`<h2 class="machine-name">${machine.label}</h2>` : ''}
    <section>
      <h2>All runs</h2>
      ${table(
        [...runColumns.map(({ title }) => title), 'file'],
        runs.map(({ measures, file }) => [...runColumns.map(({ cell }) => cell(measures)), file]),
        new Set([...runColumns.flatMap(({ align }, i) => (align === 'right' ? [i] : []))]),
      )}
      <p class="reading">
        w×s: workers × slots of each. p50, p95 and p99: seconds from upload to result. The outcome is how busy
        the slots were, how fast the queue recovered from a burst (median), or the highest rate that was
        sustained.
      </p>
    </section>
    ${sections} ${lawSection(tests.flatMap(({ settings }) => settings))}
  </div>`;
}

function inOrder(tests: readonly AnalysedTest[]): AnalysedTest[] {
  return [...tests].sort((one, other) => scripts.indexOf(one.script) - scripts.indexOf(other.script));
}

async function testSection(test: AnalysedTest, { machine }: AnalysedMachine): Promise<Markup> {
  const { title, parameters, settings, scaling, conclusions, script } = test;
  const chips = Object.entries(parameters).map(
    ([name, value]) => html`<li><span>${printable(name)}</span> ${printable(String(value))}</li>`,
  );
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
        : html` <div class="charts">${await figures(scalingCharts(scaling, machine))}</div>
            ${tableOf(scalingRows(scaling.points))}
            <p class="reading">
              Medians of the repeats. Processing is the mean time that a worker spends on one job, busy the
              share of the slots’ time that was used.
            </p>`
    }
    ${
      script === 'bulk_upload'
        ? html`<h3>Universal Scalability Law</h3>
            ${explainUsl(test).map((text) => html`<p>${bound(text)}</p>`)}`
        : ''
    }
    ${script === 'burst_test' ? await burstParts(settings) : ''}
    ${script === 'capacity_test' ? await capacityParts(settings) : ''}
    <div class="charts">${await figures([...timeCharts(test), ...ganttChart(settings)])}</div>
    ${failuresPart(settings)}
  </section>`;
}

async function burstParts(settings: readonly Setting[]): Promise<Markup[]> {
  const parts: Markup[] = [];
  for (const setting of settings) {
    const rows = setting.runs.flatMap(({ measures }, i) =>
      measures.recoveries.map(({ number, size, before, peak, seconds }) => [
        String(i + 1),
        String(number),
        seconds === null ? 'never' : digits(seconds),
        whole(peak),
        whole(before),
        whole(size),
      ]),
    );
    parts.push(
      html`<div class="charts">${await figures(burstChart(setting))}</div>
        ${table(['run', 'burst', 'recovery s', 'peak', 'before', 'images'], rows)}
        <p class="reading">
          Recovery is the time from the burst until no more jobs wait than before it; peak and before are jobs
          that waited.
        </p>`,
    );
  }
  return parts;
}

async function capacityParts(settings: readonly Setting[]): Promise<Markup[]> {
  const parts: Markup[] = [];
  for (const setting of settings) {
    parts.push(
      html`<div class="charts">${await figures(capacityChart(setting))}</div>
        ${tableOf(stepRows(setting))}
        <p class="reading">${bound(sustainedMeans)}</p>`,
    );
  }
  return parts;
}

function lawSection(settings: readonly Setting[]): Markup {
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
      ${table(['test', 'workers × slots', 'λ: ended /s', 'W: mean s', 'λW: jobs', 'L: timelines', 'L: monitoring'], rows)}
    </details>
  </section>`;
}

function failuresPart(settings: readonly Setting[]): Markup {
  const totals = new Map<string, number>();
  for (const { measures } of settings.flatMap(({ runs }) => runs)) {
    for (const [code, number] of Object.entries(measures.failures)) add(totals, `failed: ${code}`, number);
    for (const [code, number] of Object.entries(measures.refused)) add(totals, `refused: ${code}`, number);
    add(totals, 'lost: did not end', measures.lost);
  }
  const found = [...totals].filter(([, number]) => number > 0).sort(([, one], [, other]) => other - one);
  if (found.length === 0) return html``;
  const most = Math.max(...found.map(([, number]) => number));
  return html`<h3>Failures by code</h3>
    <ul class="bars">
      ${found.map(([code, number]) => html`<li><code>${printable(code)}</code><span class="bar" style="width:${Math.max(1, Math.round((number / most) * 100))}%"></span><b>${whole(number)}</b></li>`)}
    </ul>`;
}

function add(totals: Map<string, number>, code: string, number: number): void {
  totals.set(code, (totals.get(code) ?? 0) + number);
}

const TONES = { good: 'Good', note: 'Note', problem: 'Problem' } as const;

function conclusionItem({ tone, text }: Conclusion): Markup {
  return html`<li class="${tone}"><span class="tone">${TONES[tone]}</span> ${bound(text)}</li>`;
}

async function figures(charts: readonly Chart[]): Promise<Markup[]> {
  const drawn: Markup[] = [];
  for (const chart of charts) {
    const { title, label, reading, span, wide, narrow } = await drawChart(chart);
    drawn.push(
      html`<figure class="${span}">
        <figcaption><h3>${bound(title)}</h3></figcaption>
        <div class="chart" role="img" aria-label="${label}">
          <div class="wide">${new Markup(wide)}</div>
          <div class="narrow">${new Markup(narrow)}</div>
        </div>
        <p class="reading">${bound(reading)}</p>
      </figure>`,
    );
  }
  return drawn;
}

function tableOf({ titles, rows }: { titles: string[]; rows: string[][] }): Markup {
  return table(titles, rows);
}

/** A longer table scrolls in its own box. */
const MOST_ROWS = 24;

/** Numbers align right unless it is said which columns do. */
function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  right?: ReadonlySet<number>,
): Markup {
  const isRight = (i: number) => right?.has(i) ?? rows.every((row) => /^[\d–]/.test(row[i] ?? ''));
  const cell = (text: string, i: number) =>
    html`<td${isRight(i) ? html` class="right"` : ''}>${printable(text)}</td>`;
  return html`<div class="${rows.length > MOST_ROWS ? 'scroll tall' : 'scroll'}" tabindex="0">
    <table>
      <thead>
        <tr>
          ${titles.map((title, i) => html`<th scope="col" ${isRight(i) ? html` class="right"` : ''}>${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map(cell)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** A number stays on one line with its unit. */
function bound(text: string): string {
  return text.replace(/(\d[×%]?) (?=\S)/g, '$1\u00a0');
}
