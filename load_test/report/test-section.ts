import type { AnalysedTest } from './analyse.ts';
import { ganttChart } from './charts/gantt-chart.ts';
import { burstChart, capacityChart, stepRows, sustainedMeans } from './charts/overload-charts.ts';
import { scalingCharts, scalingRows } from './charts/slots-charts.ts';
import { timeCharts } from './charts/time-charts.ts';
import type { Conclusion } from './conclude.ts';
import { count, digits, percent, perSecond, whole } from './format.ts';
import { partsOf, type Machine, type Setting } from './group-runs.ts';
import { bound, chartFigures, html, table, type Markup } from './html.ts';
import { type Run, totalsByCode } from './measure-run.ts';
import { MIN_SLOT_COUNTS, scalableSettings } from './scaling.ts';

/** The section of one test: its conclusions, charts and tables. */
export async function testSection(test: AnalysedTest, machine: Machine): Promise<Markup> {
  const { title, parameters, environment, settings, scaling, conclusions, script } = test;
  const chips = [
    ...Object.entries(parameters).map(([name, value]) => ({ name, values: [String(value)] })),
    ...partsOf([environment]),
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
    runs.flatMap(({ measures }) => [
      prefixed('failed', measures.failures),
      prefixed('refused', measures.refused),
      { 'lost: did not end': measures.lost, 'unread: no status': measures.unread },
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

/** Explains the fit of the Universal Scalability Law, or why there is none; one paragraph each. */
function explainUsl({ scaling, settings }: Pick<AnalysedTest, 'scaling' | 'settings'>): string[] {
  const counts = scalableSettings({ settings }).length;
  const usl = scaling?.usl ?? null;
  if (usl === null) {
    return [
      `No fit: the law has three coefficients, so a fit needs at least ${MIN_SLOT_COUNTS} different numbers of slots, and these runs have ${counts}. With fewer, a curve passes near every point, whatever the system does.`,
    ];
  }
  const { lambda, sigma, kappa, peakSlots, peakThroughput, rSquared } = usl;
  const tested = Math.max(...settings.map(({ slots }) => slots ?? 0));
  const paragraphs = [
    `Fitted to all runs, X(N) = λN / (1 + σ(N − 1) + κN(N − 1)) has λ = ${digits(lambda)} jobs/s, the throughput of one slot; σ = ${sigma.toFixed(3)}, the contention: ${percent(sigma)} of the work cannot run in parallel; and κ = ${kappa.toFixed(4)}, the coherency: the cost of coordination between each pair of slots. The curve explains ${percent(rSquared)} of the variance (R²).`,
  ];
  if (peakSlots !== null && peakThroughput !== null) {
    paragraphs.push(
      `Predicted peak: ${perSecond(peakThroughput)} with ${count(Math.round(peakSlots), 'slot')}; beyond it, more slots make the system slower.${peakSlots > tested * 1.2 ? ` At most ${tested} slots were tested, so this is an extrapolation.` : ''}`,
    );
  } else if (peakThroughput !== null) {
    paragraphs.push(
      `There is no peak (κ = 0): throughput only approaches ${perSecond(peakThroughput)}, however many slots there are.`,
    );
  } else {
    paragraphs.push(
      'There is neither contention nor a peak: within these runs, throughput is proportional to the slots.',
    );
  }
  if (rSquared < 0.9) {
    paragraphs.push(
      'The curve fits poorly. The law has no sharp bend, and a machine whose cores are used up has one: trust the measurements, not the curve.',
    );
  }
  return paragraphs;
}
