import type { AnalysedTest } from './analyse.ts';
import { count, digits, percent, perSecond } from './format.ts';
import type { Setting } from './group-runs.ts';
import type { LittlesLaw } from './littles-law.ts';
import { scalableSettings } from './scaling.ts';
import { FEWEST_COUNTS } from './usl.ts';

/** What the fit of the Universal Scalability Law means, or why there is none; one paragraph each. */
export function explainUsl({ scaling, settings }: Pick<AnalysedTest, 'scaling' | 'settings'>): string[] {
  const counts = scalableSettings({ settings }).length;
  const usl = scaling?.usl ?? null;
  if (usl === null) {
    return [
      `No fit: the law has three coefficients, so a fit needs at least ${FEWEST_COUNTS} different numbers of slots, and these runs have ${counts}. With fewer, a curve passes near every point, whatever the system does.`,
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

/** The law is an average over a whole run; below this relative difference its parts agree. */
const AGREES = 0.1;

/** What the check of Little's law means and whether it holds in these runs; one paragraph each. */
export function explainLittlesLaw(settings: readonly Setting[]): string[] {
  const laws = settings.flatMap(({ runs }) => runs.flatMap(({ measures }) => measures.littlesLaw ?? []));
  const offBy = (value: (law: LittlesLaw) => number | null) =>
    laws.flatMap((law) => {
      const measured = value(law);
      return measured === null || law.expected === 0 ? [] : [Math.abs(measured / law.expected - 1)];
    });
  const [timelines, monitoring] = [offBy(({ inSystem }) => inSystem), offBy(({ sampled }) => sampled)];
  const paragraphs = [
    'L = λW: the mean number of jobs in the system (L) is the rate at which they leave (λ) times the mean time that each stays (W), for any order and any workload, provided that every job that enters also leaves. If the two sides differ, a measurement is wrong or jobs are missing.',
  ];
  const worst = Math.max(0, ...timelines);
  paragraphs.push(
    worst < 0.005
      ? 'From the timelines both sides agree exactly, as they must when every job ended: no timeline is missing or out of order.'
      : `From the timelines the sides differ by up to ${percent(worst)}: jobs that did not end count in L, but not in λ and W.`,
  );
  if (monitoring.length === 0) {
    paragraphs.push(
      'Monitoring took too few samples in these runs for a check that does not depend on the timelines.',
    );
  } else {
    const most = Math.max(...monitoring);
    paragraphs.push(
      `Monitoring’s samples are an independent measurement of L. In ${count(monitoring.length, 'run')} they differ from λW by at most ${percent(most)}: ` +
        (most < AGREES
          ? 'the two agree.'
          : 'samples are taken at intervals, so a short run has few and can miss its peak; in a long run such a difference would be an error.'),
    );
  }
  return paragraphs;
}
