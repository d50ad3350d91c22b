import type { TimelineState } from '../../../../shared/contracts/job.ts';
import { t } from '../text/text.ts';

export function StateName({ state }: { readonly state: TimelineState }) {
  return <span class={`state ${state}`}>{t(state)}</span>;
}
