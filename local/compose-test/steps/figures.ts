import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { alertRules } from '../../../testing/prometheus-files.ts';
import { dashboards } from '../../../monitoring/grafana/dashboards.ts';
import { expectThat } from '../expect.ts';
import { Skipped, type Step } from '../step.ts';

const PROMETHEUS = 'http://localhost:9090';
const GRAFANA = 'http://localhost:3000';
/** Containers that were just stopped are targets until their name is looked up again. */
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

async function ask(url: string, init: RequestInit = {}): Promise<unknown> {
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(10_000) });
  expectThat(answer.ok, `${url} returned ${answer.status}`);
  return answer.json();
}

/** Prometheus and Grafana: who is asked, what is shown. */
export const figures: readonly Step[] = [
  {
    title: 'Prometheus: every target answers',
    run: async () => {
      const deadline = performance.now() + SETTLE_MS;
      for (;;) {
        const { activeTargets } = targetsSchema.parse(await ask(`${PROMETHEUS}/api/v1/targets`)).data;
        const silent = activeTargets.filter(({ health }) => health !== 'up');
        if (silent.length === 0 && activeTargets.length > 0) return `${activeTargets.length} targets`;
        const named = silent.map(({ scrapeUrl, health }) => `${scrapeUrl} is ${health}`).join(', ');
        expectThat(performance.now() < deadline, named || 'there are none');
        await delay(POLL_MS);
      }
    },
  },
  {
    title: 'Prometheus: the alert rules are loaded',
    run: async () => {
      const { groups } = rulesSchema.parse(await ask(`${PROMETHEUS}/api/v1/rules`)).data;
      const loaded = groups.flatMap(({ rules }) => rules.map(({ name }) => name));
      const expected = alertRules().map(({ alert }) => alert);
      expectThat(loaded.toSorted().join() === expected.toSorted().join(), loaded.join(', '));
      return `${loaded.length} alerts`;
    },
  },
  {
    title: 'Grafana: datasource and dashboards are there, without a login',
    run: async () => {
      const { version } = healthSchema.parse(await ask(`${GRAFANA}/api/health`));
      if (!/^\d/.test(version)) throw new Skipped(`no real Grafana: ${version}`);
      const shown = titlesSchema.parse(await ask(`${GRAFANA}/api/search?type=dash-db&tag=image-pipeline`));
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
      await ask(`${GRAFANA}/api/datasources/uid/prometheus/health`, { headers: { authorization } });
      return `Grafana ${version}, ${uids.length} dashboards`;
    },
  },
];
