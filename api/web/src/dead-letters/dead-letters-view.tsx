import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { type ListedDeadLetter, originalUrl, removeDeadLetters, startReplay } from '../api.ts';
import { confirmed } from '../confirm.tsx';
import { JobName, StateName } from '../journey/labels.tsx';
import { jobOf, jobs } from '../live/job-store.ts';
import type { Job } from '../live/jobs.ts';
import { explain, explainFailure } from '../text/explain.ts';
import { formatDate, formatNumber, t } from '../text/text.ts';
import { isTokenRefused, token } from '../token.ts';
import { deadLetters, forgetDiscarded, RECORDING_MS, updateDeadLetters } from './dead-letter-store.ts';
import { progressOfReplay } from './replay-progress.ts';
import './dead-letters.css';

/** Dead letters by error and operations; the selected ones can be replayed or discarded. */
export function DeadLettersView() {
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const message = useSignal('');
  const replayed = useSignal<readonly ListedDeadLetter[]>([]);
  const letters = deadLetters.value?.letters;

  const update = () =>
    updateDeadLetters().catch((error: unknown) => {
      message.value = explain(error);
    });
  useEffect(() => void update(), [changesOf(jobs.value), token.value]);
  // A failed job is announced before its dead letter is recorded.
  const isBehind = lacksNewest(jobs.value, letters);
  useEffect(() => {
    if (!isBehind) return;
    const timer = setTimeout(() => void update(), RECORDING_MS / 10);
    return () => clearTimeout(timer);
  }, [isBehind, letters]);

  const chosen = letters?.filter(({ job_id }) => selected.value.has(job_id)) ?? [];
  const n = chosen.length;
  const act = async (done: string, explanation: string, action: () => Promise<string>) => {
    if (!(await confirmed(done, explanation))) return;
    try {
      message.value = await action();
      selected.value = new Set();
    } catch (error) {
      message.value = explain(error);
    }
    await update();
  };
  const replay = () =>
    act(t('replayJobs', { n }), t('replayHint'), async () => {
      await startReplay(chosen.map(({ job_id }) => job_id));
      replayed.value = chosen;
      return '';
    });
  const discard = () =>
    act(t('discardLetters', { n }), t('discardHint'), async () => {
      const { removed } = await removeDeadLetters(chosen.map(({ job_id }) => job_id));
      forgetDiscarded(chosen);
      return t('discarded', { n: removed });
    });
  const select = (ids: readonly string[], isSelected: boolean) => {
    const next = new Set(selected.value);
    for (const id of ids) {
      if (isSelected) next.add(id);
      else next.delete(id);
    }
    selected.value = next;
  };

  return (
    <section class="card dead" aria-labelledby="dead">
      <h2 id="dead">{t('deadTitle')}</h2>
      {letters?.length === 0 && <p>{t('deadNone')}</p>}
      <p class="buttons">
        <button type="button" disabled={n === 0} onClick={() => void replay()}>
          {t('replay')}
        </button>
        <button type="button" class="danger" disabled={n === 0} onClick={() => void discard()}>
          {t('discard')}
        </button>
        <span>{t('selected', { n })}</span>
      </p>
      <p role="status">{isTokenRefused.value ? '' : message.value}</p>
      {replayed.value.length > 0 && <ReplayState letters={replayed.value} />}
      <div class="groups">
        {[...Map.groupBy(letters ?? [], groupOf)].map(([group, members]) => (
          <Group key={group} members={members} selected={selected.value} select={select} />
        ))}
      </div>
    </section>
  );
}

/** Grows with each job that fails, is replayed, or completes after a replay: they change the list. */
function changesOf(known: readonly Job[]): number {
  const failed = known.filter(({ state }) => state === 'failed').length;
  const again = known.filter(({ run }) => run > 1);
  return failed + again.length + again.filter(({ state }) => state === 'completed').length;
}

function lacksNewest(known: readonly Job[], letters: readonly ListedDeadLetter[] | undefined): boolean {
  const listed = new Set(letters?.map(({ job_id, run }) => `${job_id}/${run}`));
  const isNew = ({ updatedAt }: Job) => Date.now() - Date.parse(updatedAt) < RECORDING_MS;
  return known.some((job) => job.state === 'failed' && isNew(job) && !listed.has(`${job.id}/${job.run}`));
}

function groupOf({ error, operations }: ListedDeadLetter): string {
  return `${error.code} ${operations.join()}`;
}

/** The canary and the rest of a replay, live. */
function ReplayState({ letters }: { readonly letters: readonly ListedDeadLetter[] }) {
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

/** More members than this are folded. */
const OPEN = 4;

interface GroupProps {
  readonly members: readonly ListedDeadLetter[];
  readonly selected: ReadonlySet<string>;
  readonly select: (ids: readonly string[], isSelected: boolean) => void;
}

/** Dead letters with the same error and operations: the picture and the error of the newest stand for all. */
function Group({ members, selected, select }: GroupProps) {
  const ids = members.map(({ job_id }) => job_id);
  const sample = members.at(-1);
  if (sample === undefined) return null;
  const chosen = ids.filter((id) => selected.has(id)).length;
  return (
    <fieldset>
      <legend>
        <code>{sample.error.code}</code>: {sample.operations.join(', ')} ({formatNumber(members.length)})
      </legend>
      <div class="sample">
        <img src={originalUrl(sample.job_id)} alt="" width={96} height={96} />
        <div>
          {explainFailure(sample.error)}
          <br />
          <small>{t('lastAt', { time: formatDate(sample.dead_lettered_at) })}</small>
          <br />
          <label>
            <input
              type="checkbox"
              checked={chosen === ids.length}
              indeterminate={chosen > 0 && chosen < ids.length}
              onChange={({ currentTarget }) => select(ids, currentTarget.checked)}
            />{' '}
            {t('selectAll')}
          </label>
        </div>
      </div>
      <details open={members.length <= OPEN}>
        <summary>{t('letters', { n: members.length })}</summary>
        <ul>
          {members.map((letter) => (
            <Letter
              key={letter.job_id}
              letter={letter}
              commonReason={sample.error.reason}
              selected={selected}
              select={select}
            />
          ))}
        </ul>
      </details>
    </fieldset>
  );
}

interface LetterProps extends Omit<GroupProps, 'members'> {
  readonly letter: ListedDeadLetter;
  /** Shown for the group, so not repeated. */
  readonly commonReason: string;
}

function Letter({ letter, commonReason, selected, select }: LetterProps) {
  const { job_id: id, name, error, dead_lettered_at: at, attempts } = letter;
  return (
    <li>
      <input
        type="checkbox"
        aria-label={t('select', { name: name ?? id })}
        checked={selected.has(id)}
        onChange={({ currentTarget }) => select([id], currentTarget.checked)}
      />
      <img src={originalUrl(id)} alt="" loading="lazy" width={48} height={48} />
      <span>
        <JobName id={id} name={name} />
        <br />
        {error.reason !== commonReason && (
          <>
            {explainFailure(error)}
            <br />
          </>
        )}
        <small>
          {formatDate(at)}, {t('attempts', { n: attempts })}
        </small>
      </span>
    </li>
  );
}
