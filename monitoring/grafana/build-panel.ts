import {
  BigValueColorMode,
  GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type GridPos,
  type Panel as GrafanaPanel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { promqlOf, type Panel } from './dashboard.ts';

/** As datasources.yml has it. */
export const DATASOURCE = { type: 'prometheus', uid: 'prometheus' };

/** Four scrapes, the minimum of `$__rate_interval`: narrower bars would overlap. */
const NARROWEST_BAR = '20s';

/** The panel in Grafana's format. */
export function buildPanel(panel: Panel, id: number, place: GridPos): GrafanaPanel {
  const builder = panel.kind === 'stat' ? statBuilder() : timeSeriesBuilder(panel);
  builder
    .id(id)
    .gridPos(place)
    .title(panel.title)
    .description(panel.description)
    .unit(panel.unit)
    .datasource(DATASOURCE)
    .thresholds(thresholds(panel.redFrom));
  if (panel.max !== undefined) builder.max(panel.max);
  for (const [index, query] of panel.queries.entries()) {
    const refId = String.fromCharCode('A'.charCodeAt(0) + index);
    builder.withTarget(
      new DataqueryBuilder()
        .refId(refId)
        .datasource(DATASOURCE)
        .expr(promqlOf(query))
        .legendFormat(query.legend)
        .range(),
    );
  }
  return builder.build();
}

function statBuilder(): StatBuilder {
  return new StatBuilder()
    .colorMode(BigValueColorMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));
}

function timeSeriesBuilder({ kind, redFrom }: Panel): TimeSeriesBuilder {
  const builder = new TimeSeriesBuilder()
    .axisSoftMin(0)
    .lineWidth(2)
    .fillOpacity(kind === 'bars' ? 80 : 10)
    .legend(new VizLegendOptionsBuilder().showLegend(true))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (redFrom !== undefined)
    builder.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Line));
  if (kind !== 'bars') return builder;
  return builder
    .interval(NARROWEST_BAR)
    .drawStyle(GraphDrawStyle.Bars)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
}

function thresholds(redFrom: number | undefined): ThresholdsConfigBuilder {
  const red = redFrom === undefined ? [] : [{ value: redFrom, color: 'red' }];
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ value: null, color: 'green' }, ...red]);
}
