import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { progressOf } from '../journey/progress-text.ts';
import { jobOf } from '../live/job-store.ts';
import { pictureOf } from '../live/pictures.ts';
import { jobLink } from '../route.ts';
import { formatPercent, t } from '../text/text.ts';
import { curlLine, type Draft, newOperations } from './operation-forms.ts';
import { OperationsEditor } from './operations-editor.tsx';
import { type Upload, uploadFiles, uploads } from './upload.ts';
import './send.css';

const SHOWN = 8;

/** Choose, drop or paste images, and send them. */
export function SendPanel() {
  const operations = useSignal<readonly Draft[]>([newOperations.resize, newOperations.watermark]);
  const isOver = useSignal(false);
  const copied = useSignal(false);
  const take = (files: FileList | null | undefined) => uploadFiles([...(files ?? [])], operations.value);
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      if (!(event.target instanceof HTMLInputElement)) take(event.clipboardData?.files);
    };
    document.addEventListener('paste', paste);
    return () => document.removeEventListener('paste', paste);
  }, []);
  const command = curlLine(location.origin, operations.value);
  return (
    <section class="card send" aria-labelledby="send">
      <h2 id="send">{t('sendTitle')}</h2>
      <label
        class={`drop ${isOver.value ? 'over' : ''}`}
        onDragOver={(event) => {
          event.preventDefault();
          isOver.value = true;
        }}
        onDragLeave={() => (isOver.value = false)}
        onDrop={(event) => {
          event.preventDefault();
          isOver.value = false;
          take(event.dataTransfer?.files);
        }}
      >
        <span class="button">{t('chooseFiles')}</span>
        <span>{t('dropHere')}</span>
        <FileInput take={take} multiple />
      </label>
      <label class="photo button">
        {t('takePhoto')}
        <FileInput take={take} capture="environment" />
      </label>
      <OperationsEditor operations={operations} />
      <p class="curl">
        <span>{t('curl')}</span>
        <code>{command}</code>
        <button
          type="button"
          onClick={() => void navigator.clipboard.writeText(command).then(() => (copied.value = true))}
        >
          {copied.value ? t('copied') : t('copy')}
        </button>
      </p>
      <ul class="uploads">
        {uploads.value.slice(0, SHOWN).map((upload) => (
          <UploadLine key={upload.number} upload={upload} />
        ))}
      </ul>
    </section>
  );
}

/** A real input, so that it can be reached and used with the keyboard; its label shows it. */
function FileInput(props: {
  readonly take: (files: FileList | null) => void;
  readonly multiple?: boolean;
  readonly capture?: 'environment';
}) {
  const { take, ...attributes } = props;
  return (
    <input
      class="hidden"
      type="file"
      accept="image/png,image/jpeg,image/gif,image/webp"
      {...attributes}
      onChange={({ currentTarget }) => {
        take(currentTarget.files);
        currentTarget.value = ''; // so that the same file can be chosen again
      }}
    />
  );
}

function UploadLine({ upload }: { readonly upload: Upload }) {
  const { name, state, progress, jobId, reason = '' } = upload;
  if (state === 'refused') return <li class="failed">{t('refused', { name, reason })}</li>;
  if (jobId !== undefined) {
    const job = jobOf(jobId);
    const picture = job && pictureOf(job);
    return (
      <li class="sent">
        {picture !== undefined && <img src={picture} alt="" width={34} height={34} />}
        <span>
          <a href={jobLink(jobId)}>{t('accepted', { name })}</a>
          {job !== undefined && <small class={`state ${job.state}`}>{progressOf(job)}</small>}
        </span>
      </li>
    );
  }
  return (
    <li>
      <progress value={progress} aria-label={name} />{' '}
      {t('uploading', { name, percent: formatPercent(progress) })}
    </li>
  );
}
