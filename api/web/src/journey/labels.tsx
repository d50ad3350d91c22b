import type { TimelineState } from '../../../../shared/contracts/job.ts';
import { jobLink } from '../route.ts';
import { t } from '../text/text.ts';

export function StateName({ state }: { readonly state: TimelineState }) {
  return <span class={`state ${state}`}>{t(state)}</span>;
}

/** The name of the image of a job, or the id as long as that is unknown, as a link to the page of the job. */
export function JobName({ id, name }: { readonly id: string; readonly name: string | null | undefined }) {
  return <a href={jobLink(id)}>{name ?? id}</a>;
}
