import { countJobs, percentilesOf, recoveries, timesToResult } from '../../load_test/calculate.ts';
import type { LoadTestResult } from '../../load_test/result.ts';
import type { Conclusion } from './guide.ts';

/** What is concluded from a burst test. */
export function judgePeakLoad(result: LoadTestResult): Conclusion {
  const { uploads, jobs, lost, stopped } = result;
  const { completed, failed, open } = countJobs(jobs);
  const refused = Object.entries(uploads.refused).map(([code, count]) => `${count} refused (${code})`);
  const saw = [
    `${[`${uploads.accepted} of ${uploads.sent} images were accepted`, ...refused].join(', ')}.`,
    `${uploads.accepted} accepted = ${completed} completed + ${failed} failed${open === 0 ? '' : ` + ${open} open`}.`,
  ];
  const times = percentilesOf(timesToResult(jobs));
  if (times !== null && uploads.seconds !== null) {
    saw.push(
      `Half of the uploads took at most ${uploads.seconds.p50.toFixed(2)} s, half of the results at most ${times.p50.toFixed(1)} s: the difference is mostly waiting.`,
    );
  }
  saw.push(...recoveries(result).map(recoveryLine));
  if (stopped === 'interrupted') saw.push('The test was interrupted, so this is only a part of it.');
  return {
    saw,
    broken: lost === 0 ? [] : [`${lost} accepted job${lost === 1 ? '' : 's'} did not end.`],
    learned: [
      'The queue turns a peak into waiting time: an upload does not wait for a worker, and no accepted image is lost.',
      'Throughput does not grow with the peak: it is what the workers can process. The queue shrinks only while they process more than arrives.',
      'If the next burst arrives before the queue has recovered, the backlog grows from burst to burst. Only more capacity or fewer images help.',
    ],
  };
}

function recoveryLine({ number, before, peak, seconds }: ReturnType<typeof recoveries>[number]): string {
  const start = before === 0 ? 'found an empty queue' : `found ${before} images still waiting`;
  const end =
    seconds === null
      ? 'it did not recover'
      : `it was back at that level ${seconds.toFixed(1)} s after the burst`;
  return `Burst ${number} ${start}; the queue rose to ${peak}, and ${end}.`;
}
