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

interface Table {
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

/** The series have Okabe and Ito's colours, which are distinguishable for all kinds of colour vision; lighter on dark. */
export const style = new Markup(`
:root {
  --page: #f4f5f7; --paper: #fff; --ink: #1b2330; --muted: #5b6676; --grid: #dfe3e8; --link: #0a5fa3;
  --c1: #0072b2; --c2: #c04a00; --c3: #00805e; --c4: #a8497f; --c5: #b07d00; --c6: #3a9bd9;
  --good: #00704f; --problem: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --paper: #1a2029; --ink: #e8ecf1; --muted: #a3aebc; --grid: #343d4a; --link: #7cc0f5;
    --c1: #5cb3ec; --c2: #f0894a; --c3: #3fc9a0; --c4: #e08fbd; --c5: #e6b740; --c6: #a8d5f5;
    --good: #4fd1a8; --problem: #ff8a80;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header, main, footer { max-width: 1128px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 40px; padding-bottom: 20px; }
h1 { font-size: clamp(26px, 4.2vw, 40px); line-height: 1.15; margin: 4px 0 10px; letter-spacing: -0.015em; text-wrap: balance; max-width: 26em; }
h2 { font-size: 24px; line-height: 1.25; margin: 0 0 12px; letter-spacing: -0.01em; }
h3 { font-size: 16px; line-height: 1.35; margin: 28px 0 6px; }
p { margin: 0 0 10px; max-width: 76ch; }
.eyebrow { text-transform: uppercase; letter-spacing: 0.08em; font-size: 13px; font-weight: 600; color: var(--muted); margin: 0; }
.meta, .reading, footer { color: var(--muted); }
.reading, footer { font-size: 14px; }
.reading { margin: 6px 0 0; max-width: 84ch; }
section { background: var(--paper); border: 1px solid var(--grid); border-radius: 12px; padding: 28px; margin: 0 0 24px; }
.machine-name { margin: 40px 0 16px; }
.notices { margin: 0 0 24px; list-style: none; padding: 12px 20px; border-left: 4px solid var(--c5); background: var(--paper); border-radius: 4px; }
.chips { list-style: none; display: flex; flex-wrap: wrap; gap: 6px; padding: 0; margin: 0 0 18px; font-size: 13px; }
.chips li { border: 1px solid var(--grid); border-radius: 6px; padding: 2px 8px; overflow-wrap: anywhere; }
.chips span { color: var(--muted); }
.conclusions { list-style: none; padding: 0; margin: 0 0 8px; }
.conclusions li { border-left: 4px solid var(--c1); padding: 2px 0 2px 14px; margin: 0 0 12px; max-width: 84ch; overflow-wrap: anywhere; }
.conclusions .good { border-color: var(--good); } .conclusions .problem { border-color: var(--problem); }
.tone { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.problem .tone { position: static; width: auto; height: auto; clip-path: none; color: var(--problem); font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px 40px; }
figure { margin: 20px 0 12px; min-width: 0; }
figure h3 { margin: 0 0 8px; }
.full { grid-column: 1 / -1; }
svg { display: block; width: 100%; height: auto; }
.narrow { display: none; }
.scroll { overflow-x: auto; margin: 12px 0 0; }
.tall { max-height: 640px; overflow-y: auto; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: 6px 12px 6px 0; text-align: left; border-bottom: 1px solid var(--grid); }
th { color: var(--muted); font-weight: 600; position: sticky; top: 0; background: var(--paper); }
th + th, td + td { padding-left: 12px; }
.right { text-align: right; }
td:last-child { max-width: 280px; overflow: hidden; text-overflow: ellipsis; }
details { margin: 12px 0 0; } summary { cursor: pointer; color: var(--link); }
.bars { list-style: none; padding: 0; margin: 8px 0 0; max-width: 640px; }
.bars li { display: grid; grid-template-columns: 1fr auto; gap: 2px 12px; align-items: center; margin: 0 0 10px; }
.bars code { font-size: 14px; overflow-wrap: anywhere; grid-column: 1 / -1; }
.bar { height: 12px; border-radius: 3px; background: var(--c2); }
footer { padding-bottom: 48px; }
@media (max-width: 799px) {
  header, main, footer { padding-left: 12px; padding-right: 12px; }
  header { padding-top: 24px; }
  section { padding: 20px 16px; }
  .charts { display: block; }
  table { font-size: 13px; }
  th, td { padding-right: 6px; } th + th, td + td { padding-left: 6px; }
  .wide { display: none; } .narrow { display: block; }
  .narrow svg { max-width: 480px; }
}
@media print {
  body { background: none; } section { border: 0; padding: 12px 0; } figure { break-inside: avoid; }
}
`);
