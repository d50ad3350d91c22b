import { useSignal } from '@preact/signals';
import type { WorkerReport } from '../../../../shared/contracts/worker-command.ts';
import { commandWorker } from '../api.ts';
import { confirmed } from '../confirm.tsx';
import { JobName, StateName } from '../journey/labels.tsx';
import { jobs } from '../live/job-store.ts';
import type { Job } from '../live/jobs.ts';
import { pipeline } from '../live/pipeline.ts';
import { explain } from '../text/explain.ts';
import { t } from '../text/text.ts';
import { isTokenRefused } from '../token.ts';
import './break.css';

type Command = Parameters<typeof commandWorker>[1];

/** What was broken last, and the jobs that were in progress there. */
interface Broken {
  readonly worker: string;
  readonly command: Command;
  readonly jobIds: readonly string[];
}

/** Stops, kills and pauses workers, and crashes their decoders, to show what happens to their jobs. */
export function BreakView() {
  const workers = pipeline.value?.message.workers;
  const problem = useSignal('');
  const broken = useSignal<Broken | undefined>(undefined);
  const order = async (worker: string, command: Command) => {
    const isHarmless = command === 'resume';
    const exits = command === 'stop' || command === 'kill';
    const effect = [t(`${command}Does`), ...(exits ? [t('restarts')] : [])].join(' ');
    if (!isHarmless && !(await confirmed(t(`${command}Worker`, { worker }), effect))) return;
    const jobIds = inProgressOn(worker);
    try {
      await commandWorker(worker, command);
      broken.value = { worker, command, jobIds };
      problem.value = '';
    } catch (error) {
      problem.value = explain(error);
    }
  };

  return (
    <section class="card break" aria-labelledby="break">
      <h2 id="break">{t('navBreak')}</h2>
      <p>{t('breakIntro')}</p>
      <p role="status" class="failed">
        {isTokenRefused.value ? '' : problem.value}
      </p>
      {workers?.length === 0 && <p>{t('breakNoWorkers')}</p>}
      <ul class="workers">
        {workers?.map((worker) => (
          <Worker key={worker.worker} worker={worker} order={order} />
        ))}
      </ul>
      {broken.value !== undefined && <Aftermath {...broken.value} />}
    </section>
  );
}

function inProgressOn(worker: string): readonly string[] {
  return jobs.value.filter((job) => job.state === 'processing' && job.worker === worker).map(({ id }) => id);
}

function Worker(props: {
  readonly worker: WorkerReport;
  readonly order: (worker: string, command: Command) => Promise<void>;
}) {
  const { worker: name, state, slots, jobs: inProgress, will_crash: willCrash } = props.worker;
  const isPaused = state === 'paused';
  const commands: readonly Command[] = ['stop', 'kill', isPaused ? 'resume' : 'pause', 'crash'];
  const isUseless = (command: Command) => state === 'stopping' || (command === 'crash' && willCrash);
  return (
    <li data-worker={name}>
      <h3>{name}</h3>
      <p>
        <span class={`worker-state ${state}`}>{t(`worker_${state}`)}</span>
        {', '}
        {t('workerJobs', { n: inProgress, slots })}
        {willCrash && <strong>. {t('willCrash')}</strong>}
      </p>
      <p class="buttons">
        {commands.map((command) => (
          <button
            key={command}
            type="button"
            aria-label={t(`${command}Worker`, { worker: name })}
            disabled={isUseless(command)}
            onClick={() => void props.order(name, command)}
          >
            {t(command)}
          </button>
        ))}
      </p>
    </li>
  );
}

/** An event may be late; another worker at the first attempt also means a redelivery. */
function isRedelivered({ steps, worker, attempt }: Job, earlier: string): boolean {
  return (worker !== earlier && attempt === 1) || steps.some(({ redelivered }) => redelivered === true);
}

/** What to watch after a command, and the jobs that it hit. */
function Aftermath({ worker, command, jobIds }: Broken) {
  const hit = jobs.value.filter(({ id }) => jobIds.includes(id));
  return (
    <section aria-labelledby="aftermath">
      <h3 id="aftermath">{t('watchTitle', { action: t(`${command}Worker`, { worker }) })}</h3>
      <p>{t(`${command}Watch`)}</p>
      {hit.length === 0 && (command === 'stop' || command === 'kill') && <p>{t('hitNone')}</p>}
      {hit.length > 0 && (
        <table>
          <caption>{t('hitJobs', { n: hit.length, worker })}</caption>
          <thead>
            <tr>
              <th scope="col">{t('name')}</th>
              <th scope="col">{t('state')}</th>
              <th scope="col">{t('worker')}</th>
              <th scope="col">{t('details')}</th>
            </tr>
          </thead>
          <tbody>
            {hit.map((job) => (
              <tr key={job.id} data-hit={job.id}>
                <th scope="row">
                  <JobName id={job.id} name={job.name} />
                </th>
                <td>
                  <StateName state={job.state} />
                </td>
                <td>{job.worker}</td>
                <td>{isRedelivered(job, worker) ? t('redelivered') : ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
