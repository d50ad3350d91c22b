import { countJobs, percentilesOf, recoveries, timesToResult } from '../../load_test/calculate.ts';
import type { LoadTestResult } from '../../load_test/result.ts';
import type { Conclusion } from './guide.ts';

/** What is concluded from a burst test. */
export function judgePeakLoad(result: LoadTestResult): Conclusion {
  const { uploads, jobs, lost, stopped } = result;
  const { completed, failed, open } = countJobs(jobs);
  const refused = Object.entries(uploads.refused).map(([code, count]) => `${count} rejected (${code})`);
  const saw = [
    `${[`${uploads.accepted} of ${uploads.sent} images were accepted`, ...refused].join(', ')}.`,
    `${uploads.accepted} accepted = ${completed} completed + ${failed} failed${open === 0 ? '' : ` + ${open} open`}.`,
  ];
  const times = percentilesOf(timesToResult(jobs));
  if (times !== null && uploads.seconds !== null) {
    saw.push(
      `The median upload took ${uploads.seconds.p50.toFixed(2)} s, the median result ${times.p50.toFixed(1)} s. The difference is mostly waiting in the queue.`,
    );
  }
  saw.push(...recoveries(result).map(recoveryLine));
  if (stopped === 'interrupted') saw.push('The test was interrupted, so the results are incomplete.');
  return {
    saw,
    broken: lost === 0 ? [] : [`${lost} accepted job${lost === 1 ? '' : 's'} did not finish.`],
    learned: [
      'The queue turns a peak into waiting time: uploads stay fast, and no accepted job is lost.',
      'The peak does not increase throughput: that is the capacity of the workers. The queue shrinks only if they process images faster than new ones arrive.',
      'If the next burst arrives before the queue has recovered, the backlog grows from burst to burst. Only more workers or fewer images help.',
    ],
  };
}

function recoveryLine({ number, before, peak, seconds }: ReturnType<typeof recoveries>[number]): string {
  const start = before === 0 ? 'found an empty queue' : `found ${before} images still waiting`;
  const end = seconds === null ? 'did not recover' : `recovered ${seconds.toFixed(1)} s after the burst`;
  return `Burst ${number} ${start}; the queue rose to ${peak} and ${end}.`;
}
