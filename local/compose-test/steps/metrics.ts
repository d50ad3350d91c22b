import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { alertRules } from '../../../testing/prometheus-files.ts';
import { dashboards } from '../../../monitoring/grafana/dashboards.ts';
import { expectThat, Skipped, type Step } from '../step.ts';

const PROMETHEUS = 'http://localhost:9090';
const GRAFANA = 'http://localhost:3000';
/** A container that was just stopped remains a target until its name is resolved again. */
const SETTLE_MS = 30_000;
const POLL_MS = 500;

const targetsSchema = z.object({
  data: z.object({ activeTargets: z.array(z.object({ scrapeUrl: z.string(), health: z.string() })) }),
});
const rulesSchema = z.object({
  data: z.object({ groups: z.array(z.object({ rules: z.array(z.object({ name: z.string() })) })) }),
});
const healthSchema = z.object({ database: z.literal('ok'), version: z.string() });
const titlesSchema = z.array(z.object({ uid: z.string() }));

async function getJson(url: string, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(10_000) });
  expectThat(response.ok, `${url} returned ${response.status}`);
  return response.json();
}

/** Prometheus and Grafana. */
export const metrics: readonly Step[] = [
  {
    title: 'Prometheus: every target is up',
    run: async () => {
      const deadline = performance.now() + SETTLE_MS;
      for (;;) {
        const { activeTargets } = targetsSchema.parse(await getJson(`${PROMETHEUS}/api/v1/targets`)).data;
        const down = activeTargets.filter(({ health }) => health !== 'up');
        if (down.length === 0 && activeTargets.length > 0) return `${activeTargets.length} targets`;
        const named = down.map(({ scrapeUrl, health }) => `${scrapeUrl} is ${health}`).join(', ');
        expectThat(performance.now() < deadline, named || 'there are none');
        await delay(POLL_MS);
      }
    },
  },
  {
    title: 'Prometheus: the alert rules are loaded',
    run: async () => {
      const { groups } = rulesSchema.parse(await getJson(`${PROMETHEUS}/api/v1/rules`)).data;
      const loaded = groups.flatMap(({ rules }) => rules.map(({ name }) => name));
      const expected = alertRules().map(({ alert }) => alert);
      expectThat(loaded.toSorted().join() === expected.toSorted().join(), loaded.join(', '));
      return `${loaded.length} alerts`;
    },
  },
  {
    title: 'Grafana: data source and dashboards exist, without login',
    run: async () => {
      const { version } = healthSchema.parse(await getJson(`${GRAFANA}/api/health`));
      if (!/^\d/.test(version)) throw new Skipped(`no real Grafana: ${version}`);
      const shown = titlesSchema.parse(
        await getJson(`${GRAFANA}/api/search?type=dash-db&tag=image-pipeline`),
      );
      const uids = shown.map(({ uid }) => uid).toSorted();
      expectThat(
        uids.join() ===
          dashboards
            .map(({ uid }) => uid)
            .toSorted()
            .join(),
        uids.join(', '),
      );
      const authorization = `Basic ${Buffer.from('admin:admin').toString('base64')}`;
      await getJson(`${GRAFANA}/api/datasources/uid/prometheus/health`, { headers: { authorization } });
      return `Grafana ${version}, ${uids.length} dashboards`;
    },
  },
];
