import { type Signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { t } from '../text/text.ts';
import { changed, type Draft, type Field, fieldsOf, newOperations } from './operation-forms.ts';

const MAX_OPERATIONS = 10;
const kinds = ['resize', 'watermark', 'filter'] as const;

/** The operations in their order: add, change, move, remove. */
export function OperationsEditor({ operations }: { readonly operations: Signal<readonly Draft[]> }) {
  const replace = (index: number, draft: Draft) => (operations.value = operations.value.with(index, draft));
  const remove = (index: number) => (operations.value = operations.value.toSpliced(index, 1));
  const move = (from: number, to: number) => {
    const moved = operations.value[from];
    if (moved !== undefined) operations.value = operations.value.toSpliced(from, 1).toSpliced(to, 0, moved);
  };
  const dragged = useSignal<number | undefined>(undefined);
  useEffect(() => {
    const drop = () => (dragged.value = undefined);
    addEventListener('pointerup', drop);
    addEventListener('pointercancel', drop);
    return () => {
      removeEventListener('pointerup', drop);
      removeEventListener('pointercancel', drop);
    };
  }, []);
  return (
    <fieldset>
      <legend>{t('operations')}</legend>
      <ol class="operations">
        {operations.value.map((draft, index) => {
          const name = t(draft['type'] as (typeof kinds)[number]);
          return (
            <li
              key={index}
              class={dragged.value === index ? 'dragged' : ''}
              onPointerEnter={() => {
                if (dragged.value === undefined) return;
                move(dragged.value, index);
                dragged.value = index;
              }}
            >
              <span class="buttons">
                <strong
                  class="handle"
                  onPointerDown={(event) => {
                    // A touch captures the pointer, and the other items would not notice it.
                    event.currentTarget.releasePointerCapture(event.pointerId);
                    dragged.value = index;
                  }}
                >
                  {name}
                </strong>
                <button
                  type="button"
                  disabled={index === 0}
                  aria-label={t('moveUp', { name })}
                  onClick={() => move(index, index - 1)}
                >
                  ↑
                </button>
                <button
                  type="button"
                  disabled={index === operations.value.length - 1}
                  aria-label={t('moveDown', { name })}
                  onClick={() => move(index, index + 1)}
                >
                  ↓
                </button>
                <button
                  type="button"
                  disabled={operations.value.length === 1}
                  aria-label={t('removeOperation', { name })}
                  onClick={() => remove(index)}
                >
                  ×
                </button>
              </span>
              {fieldsOf(draft).map((field) => (
                <FieldInput
                  key={field.name}
                  field={field}
                  value={draft[field.name]}
                  onChange={(given) => replace(index, changed(draft, field, given))}
                />
              ))}
            </li>
          );
        })}
      </ol>
      {operations.value.length < MAX_OPERATIONS && (
        <p class="buttons">
          {t('addOperation')}:
          {kinds.map((kind) => (
            <button
              type="button"
              key={kind}
              onClick={() => (operations.value = [...operations.value, newOperations[kind]])}
            >
              {t(kind)}
            </button>
          ))}
        </p>
      )}
    </fieldset>
  );
}

function FieldInput(props: {
  readonly field: Field;
  readonly value: string | number | undefined;
  readonly onChange: (given: string) => void;
}) {
  const { field, value = '', onChange } = props;
  return (
    <label>
      {t(field.label)}{' '}
      {field.options === undefined ? (
        <input
          {...(field.number === undefined
            ? { type: 'text', maxLength: 200 }
            : { type: 'number', ...field.number })}
          value={value}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      ) : (
        <select
          value={value === '' ? field.options[0] : value}
          onChange={({ currentTarget }) => onChange(currentTarget.value)}
        >
          {field.options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      )}
    </label>
  );
}
