import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatNumber, formatTime, language, t } from '../text/text.ts';

export interface Line {
  readonly label: string;
  /** A colour of style.css, e.g. `--good`. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
}

const HEIGHT = 170;
/** Rows of the table beside a chart: the newest. */
const ROWS = 12;

/** Lines over time, and the newest values as a table. */
export function Chart(props: {
  readonly title: string;
  readonly times: readonly number[];
  readonly lines: readonly Line[];
}) {
  const { title, times, lines } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const data = [times, ...lines.map(({ values }) => values)] as uPlot.AlignedData;

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(lines, element.clientWidth), data, element);
    };
    draw();
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    resized.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => {
      resized.disconnect();
      scheme.removeEventListener('change', draw);
      plot.current?.destroy();
    };
  }, [language.value]);
  useEffect(() => plot.current?.setData(data));

  return (
    <section class="chart">
      <h3>{title}</h3>
      <div ref={box} aria-hidden="true" />
      <details>
        <summary>{t('asTable')}</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('time')}</th>
              {lines.map(({ label }) => (
                <th scope="col" key={label}>
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {times.slice(-ROWS).map((time, row) => (
              <tr key={time}>
                <th scope="row">{formatTime(time * 1_000)}</th>
                {lines.map(({ label, values }) => (
                  <td key={label}>{textOf(values.at(row - Math.min(ROWS, times.length)))}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  );
}

function textOf(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : formatNumber(Math.round(value * 100) / 100);
}

function optionsOf(lines: readonly Line[], width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => resolved(style.getPropertyValue(name));
  const axis = {
    stroke: colour('--soft'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
  };
  return {
    width,
    height: HEIGHT,
    cursor: { y: false },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(max, 1)] } },
    axes: [
      { ...axis, values: (_plot, times) => times.map((time) => formatTime(time * 1_000)), space: 90 },
      { ...axis, values: (_plot, values) => values.map((value) => textOf(value)), size: 56 },
    ],
    series: [
      {
        label: t('time'),
        value: (_plot, time) => (typeof time === 'number' ? formatTime(time * 1_000) : '–'),
      },
      ...lines.map(({ label, colour: name, values }) => ({
        label,
        stroke: colour(name),
        width: 2,
        spanGaps: true,
        // A value between gaps is no line.
        points: { show: values.includes(null), size: 5, fill: colour(name) },
        value: (_plot: uPlot, value: number | null) => textOf(value),
      })),
    ],
  };
}

/** A canvas does not know `light-dark()`. */
function resolved(colour: string): string {
  const probe = document.createElement('span');
  probe.style.color = colour;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
