import type { AnalysedTest } from './analyse.ts';
import { burstChart } from './charts/burst-chart.ts';
import { capacityChart, stepRows, sustainedMeans } from './charts/capacity-chart.ts';
import { ganttChart } from './charts/gantt-chart.ts';
import { scalingCharts, scalingRows } from './charts/scaling-charts.ts';
import { timeCharts } from './charts/time-charts.ts';
import type { Conclusion } from './conclude.ts';
import { partsOf } from './environment.ts';
import { explainUsl } from './explain-laws.ts';
import { digits, printable, whole } from './format.ts';
import type { Machine, Setting } from './group-runs.ts';
import { html, type Markup } from './markup.ts';
import type { Run } from './measure-run.ts';
import { bound, figures, table } from './page-elements.ts';

/** The section of one test: its conclusions, charts and tables. */
export async function testSection(test: AnalysedTest, machine: Machine): Promise<Markup> {
  const { title, parameters, environment, settings, scaling, conclusions, script } = test;
  const chips = [
    ...Object.entries(parameters).map(([name, value]) => ({ name, values: [String(value)] })),
    ...partsOf([environment]),
  ].map(({ name, values }) => html`<li><span>${printable(name)}</span> ${printable(values.join())}</li>`);
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
    <div class="charts">${await figures([...timeCharts(test), ...ganttChart(settings)])}</div>
    ${failuresPart([...settings.flatMap(({ runs }) => runs), ...test.incomplete])}
  </section>`;
}

async function burstParts(settings: readonly Setting[]): Promise<Markup[]> {
  const parts: Markup[] = [];
  for (const setting of settings) {
    const rows = setting.runs.flatMap(({ measures }, i) =>
      measures.recoveries.map(({ number, size, accepted, before, peak, seconds }) => [
        String(i + 1),
        String(number),
        seconds === null && accepted > 0 ? 'never' : digits(seconds),
        whole(peak),
        whole(before),
        whole(size),
      ]),
    );
    parts.push(
      html`<div class="charts">${await figures(burstChart(setting))}</div>
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
      html`<div class="charts">${await figures(capacityChart(setting))}</div>
        ${table(stepRows(setting))}
        <p class="reading">${bound(sustainedMeans)}</p>`,
    );
  }
  return parts;
}

function failuresPart(runs: readonly Run[]): Markup {
  const totals = new Map<string, number>();
  for (const { measures } of runs) {
    for (const [code, number] of Object.entries(measures.failures)) add(totals, `failed: ${code}`, number);
    for (const [code, number] of Object.entries(measures.refused)) add(totals, `refused: ${code}`, number);
    add(totals, 'lost: did not end', measures.lost);
    add(totals, 'unread: no status', measures.unread);
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
