import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import {
  type ListedDeadLetter,
  originalUrl,
  readDeadLetters,
  removeDeadLetters,
  startReplay,
} from '../api.ts';
import { jobOf, jobs } from '../live/job-store.ts';
import type { Job } from '../live/jobs.ts';
import { jobLink } from '../route.ts';
import { formatDate, t } from '../text/text.ts';
import { token } from '../token.ts';

/** Dead letters by error and operations; the selected ones can be replayed or discarded. */
export function DeadLettersView() {
  const letters = useSignal<readonly ListedDeadLetter[] | undefined>(undefined);
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const message = useSignal('');
  const replayed = useSignal<readonly string[]>([]);

  const read = () =>
    readDeadLetters().then(
      (found) => (letters.value = found),
      (error: unknown) => (message.value = (error as Error).message),
    );
  // A job that fails, or leaves the queue with a replay, changes the list.
  const version = jobs.value.filter(({ state, run }) => state === 'failed' || run > 1).length;
  useEffect(() => void read(), [version, token.value]);
  // A failed job is announced before its dead letter is recorded.
  const isBehind = lacksNewest(jobs.value, letters.value);
  useEffect(() => {
    if (!isBehind) return;
    const timer = setTimeout(() => void read(), RECORDING_MS / 10);
    return () => clearTimeout(timer);
  }, [isBehind, letters.value]);

  const act = async (question: string, action: (ids: readonly string[]) => Promise<string>) => {
    const ids = [...selected.value];
    if (ids.length === 0 || !confirm(question)) return;
    try {
      message.value = await action(ids);
      selected.value = new Set();
    } catch (error) {
      message.value = (error as Error).message;
    }
    await read();
  };
  const select = (ids: readonly string[], isSelected: boolean) => {
    const next = new Set(selected.value);
    for (const id of ids) {
      if (isSelected) next.add(id);
      else next.delete(id);
    }
    selected.value = next;
  };

  const n = selected.value.size;
  const groups = Map.groupBy(letters.value ?? [], groupOf);
  return (
    <section class="card dead" aria-labelledby="dead">
      <h2 id="dead">{t('deadTitle')}</h2>
      {letters.value?.length === 0 && <p>{t('deadNone')}</p>}
      <p class="buttons">
        <button
          type="button"
          disabled={n === 0}
          onClick={() =>
            void act(t('replayConfirm', { n }), async (ids) => {
              await startReplay(ids);
              replayed.value = ids;
              return '';
            })
          }
        >
          {t('replay')}
        </button>
        <button
          type="button"
          disabled={n === 0}
          onClick={() =>
            void act(t('discardConfirm', { n }), async (ids) =>
              t('discarded', { n: (await removeDeadLetters(ids)).removed }),
            )
          }
        >
          {t('discard')}
        </button>
      </p>
      <p>
        <small>{t('replayHint')}</small>
      </p>
      <p role="status">
        {message.value} {progressOf(replayed.value)}
      </p>
      {[...groups].map(([group, members]) => (
        <Group key={group} name={group} members={members} selected={selected.value} select={select} />
      ))}
    </section>
  );
}

/** A dead letter is recorded well within this time after its job has failed. */
const RECORDING_MS = 5_000;

function lacksNewest(known: readonly Job[], letters: readonly ListedDeadLetter[] | undefined): boolean {
  const listed = new Set(letters?.map(({ job_id }) => job_id));
  const isNew = ({ updatedAt }: Job) => Date.now() - Date.parse(updatedAt) < RECORDING_MS;
  return known.some((job) => job.state === 'failed' && isNew(job) && !listed.has(job.id));
}

function groupOf({ error, operations }: ListedDeadLetter): string {
  return t('group', { code: error.code, operations: operations.join(', ') });
}

/** The progress of a replay, from the events of its jobs. */
function progressOf(ids: readonly string[]): string {
  if (ids.length === 0) return '';
  const again = ids.map(jobOf).filter((job) => job !== undefined && job.run > 1);
  const count = (state: string) => again.filter((job) => job?.state === state).length;
  return t('replayState', { completed: count('completed'), total: ids.length, failed: count('failed') });
}

function Group(props: {
  readonly name: string;
  readonly members: readonly ListedDeadLetter[];
  readonly selected: ReadonlySet<string>;
  readonly select: (ids: readonly string[], isSelected: boolean) => void;
}) {
  const { name, members, selected, select } = props;
  const ids = members.map(({ job_id }) => job_id);
  return (
    <fieldset>
      <legend>
        {name} ({members.length})
      </legend>
      <label>
        <input
          type="checkbox"
          checked={ids.every((id) => selected.has(id))}
          onChange={({ currentTarget }) => select(ids, currentTarget.checked)}
        />{' '}
        {t('selectAll')}
      </label>
      <ul>
        {members.map((letter) => (
          <li key={letter.job_id}>
            <input
              type="checkbox"
              aria-label={t('select', { name: letter.name ?? letter.job_id })}
              checked={selected.has(letter.job_id)}
              onChange={({ currentTarget }) => select([letter.job_id], currentTarget.checked)}
            />
            <img src={originalUrl(letter.job_id)} alt="" loading="lazy" width={48} height={48} />
            <span>
              <a href={jobLink(letter.job_id)}>{letter.name ?? letter.job_id}</a>
              <br />
              {letter.error.reason}
              <br />
              <small>
                {formatDate(letter.dead_lettered_at)}, {t('attempts', { n: letter.attempts })}
              </small>
            </span>
          </li>
        ))}
      </ul>
    </fieldset>
  );
}
