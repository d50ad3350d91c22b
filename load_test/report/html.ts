import escapeHtml from 'escape-html';
import { type Chart, drawChart } from './charts/chart.ts';

/** HTML that is inserted into the page without escaping. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Content = string | number | Markup | readonly Content[];

/** A template that escapes all values except Markup. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(strings.map((text, i) => text + textOf(values[i] ?? '')).join(''));
}

function textOf(content: Content): string {
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(textOf).join('');
  return escapeHtml(String(content));
}

/** Charts, each drawn for wide and for narrow windows. */
export async function chartFigures(charts: readonly Chart[]): Promise<Markup[]> {
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

/** Longer tables scroll in a box of their own. */
const MAX_ROWS = 24;

export interface Table {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Indexes of right-aligned columns, from 0; default: columns of numbers. */
  readonly right?: ReadonlySet<number>;
}

export function table({ titles, rows, right }: Table): Markup {
  const isRight = (i: number) => right?.has(i) ?? rows.every((row) => /^[\d–]/.test(row[i] ?? ''));
  const cell = (text: string, i: number) => html`<td${isRight(i) ? html` class="right"` : ''}>${text}</td>`;
  return html`<div class="${rows.length > MAX_ROWS ? 'scroll tall' : 'scroll'}" tabindex="0">
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

/** Keeps numbers and their units on one line. */
export function bound(text: string): string {
  return text.replace(/(\d[×%]?) (?=\S)/g, '$1\u00a0');
}
