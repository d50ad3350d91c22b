import { useSignal } from '@preact/signals';
import { t } from '../text/text.ts';

/** Two pictures over each other, with a movable divider. */
export function Compare(props: {
  readonly before: string;
  readonly after: string;
  readonly width: number;
  readonly height: number;
}) {
  const share = useSignal(50);
  return (
    <figure class="compare">
      <div style={{ aspectRatio: `${props.width} / ${props.height}` }}>
        <img src={props.before} alt={t('before')} />
        <img src={props.after} alt={t('after')} style={{ clipPath: `inset(0 0 0 ${share.value}%)` }} />
        <span class="divider" style={{ left: `${share.value}%` }} />
      </div>
      <figcaption>
        <span>{t('before')}</span>
        <input
          type="range"
          min={0}
          max={100}
          value={share.value}
          aria-label={t('compare')}
          onInput={({ currentTarget }) => (share.value = Number(currentTarget.value))}
        />
        <span>{t('after')}</span>
      </figcaption>
    </figure>
  );
}
