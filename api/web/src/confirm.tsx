import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { t } from './text/text.ts';

interface Question {
  /** What will be done, e.g. `Kill worker-1`: the heading and the button. */
  readonly action: string;
  readonly explanation: string;
  readonly answer: (isConfirmed: boolean) => void;
}

const question = signal<Question | undefined>(undefined);

/** Asks whether to do something that cannot be undone. */
export function confirmed(action: string, explanation: string): Promise<boolean> {
  question.value?.answer(false);
  return new Promise((resolve) => {
    question.value = {
      action,
      explanation,
      answer: (isConfirmed) => {
        question.value = undefined;
        resolve(isConfirmed);
      },
    };
  });
}

/** The dialog of `confirmed`. */
export function ConfirmDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = question.value;
  useEffect(() => {
    if (open !== undefined) dialog.current?.showModal();
  }, [open]);
  if (open === undefined) return null;
  return (
    <dialog ref={dialog} class="card" aria-labelledby="question" onClose={() => open.answer(false)}>
      <h2 id="question">{open.action}</h2>
      <p>{open.explanation}</p>
      <p class="buttons">
        <button type="button" class="danger" onClick={() => open.answer(true)}>
          {open.action}
        </button>
        <button type="button" autofocus onClick={() => open.answer(false)}>
          {t('cancel')}
        </button>
      </p>
    </dialog>
  );
}
