import { JobName, StateName } from '../journey/job-names.tsx';
import type { ListedDeadLetter } from '../api.ts';
import { jobOf } from '../live/job-store.ts';
import { t } from '../text/text.ts';
import { progressOfReplay } from './replay-progress.ts';

/** The canary and the rest of a replay, live. */
export function ReplayState({ letters }: { readonly letters: readonly ListedDeadLetter[] }) {
  const { phase, canary, completed, failed, inProgress, waiting, total } = progressOfReplay(letters, jobOf);
  return (
    <section class={`replay ${phase}`} aria-labelledby="replay">
      <h3 id="replay">{t('replayTitle')}</h3>
      <p role="status">{t(`replay_${phase}`, { n: waiting })}</p>
      <progress max={total} value={completed + failed.length} aria-label={t('replayTitle')} />
      <dl>
        {canary !== undefined && (
          <>
            <dt>{t('canary')}</dt>
            <dd>
              <JobName id={canary.id} name={canary.name} />: <StateName state={canary.state} />
            </dd>
          </>
        )}
        <dt>{t('replayCounts')}</dt>
        <dd>{t('replayState', { completed, total, inProgress, failed: failed.length, waiting })}</dd>
        {failed.slice(0, 10).map((job) => (
          <>
            <dt>{t('failedAgain')}</dt>
            <dd class="failed">
              <JobName id={job.id} name={job.name} />: <code>{job.error?.code}</code> {job.error?.reason}
            </dd>
          </>
        ))}
      </dl>
    </section>
  );
}
