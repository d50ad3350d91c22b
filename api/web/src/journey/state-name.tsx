import type { JobState } from '../../../../shared/contracts/job.ts';
import { t } from '../text/text.ts';

export function StateName({ state }: { readonly state: JobState }) {
  return <span class={`state ${state}`}>{t(state)}</span>;
}
