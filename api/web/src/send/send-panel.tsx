import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { jobLink } from '../route.ts';
import { t } from '../text/text.ts';
import { curlLine, type Draft, newOperations } from './operation-forms.ts';
import { OperationsEditor } from './operations-editor.tsx';
import { type Upload, uploadFiles, uploads } from './upload.ts';

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
        <span>{t('dropHere')}</span>
        <input
          type="file"
          multiple
          accept="image/png,image/jpeg,image/gif,image/webp"
          onChange={({ currentTarget }) => {
            take(currentTarget.files);
            currentTarget.value = ''; // so that the same file can be chosen again
          }}
        />
      </label>
      <OperationsEditor operations={operations} />
      <p class="curl">
        <span>{t('curl')}</span>
        <code tabIndex={0}>{command}</code>
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

function UploadLine({ upload }: { readonly upload: Upload }) {
  const { name, state, progress, jobId, reason = '' } = upload;
  if (state === 'refused') return <li class="failed">{t('refused', { name, reason })}</li>;
  if (jobId !== undefined) {
    return (
      <li>
        <a href={jobLink(jobId)}>{t('accepted', { name })}</a>
      </li>
    );
  }
  return (
    <li>
      <progress value={progress} aria-label={name} />{' '}
      {t('uploading', { name, percent: `${Math.round(progress * 100)} %` })}
    </li>
  );
}
