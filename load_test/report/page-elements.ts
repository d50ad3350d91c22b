import { drawChart, type Chart } from './charts/chart.ts';
import { printable } from './format.ts';
import { html, Markup } from './markup.ts';

/** The charts, each drawn for wide and for narrow windows. */
export async function figures(charts: readonly Chart[]): Promise<Markup[]> {
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

/** A longer table scrolls in its own box. */
const MOST_ROWS = 24;

export interface Table {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns that align right, from 0; without it, those of numbers. */
  readonly right?: ReadonlySet<number>;
}

export function table({ titles, rows, right }: Table): Markup {
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
export function bound(text: string): string {
  return text.replace(/(\d[×%]?) (?=\S)/g, '$1\u00a0');
}
