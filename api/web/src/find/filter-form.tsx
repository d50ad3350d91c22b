import { jobs } from '../live/job-store.ts';
import { jobStates } from '../live/jobs.ts';
import { route, setQuery } from '../route.ts';
import { t } from '../text/text.ts';

const periods = [5, 15, 60, 24 * 60];
/** The value of the choice that shows two times. */
const CUSTOM = 'custom';

/** The filter of the list, which is kept in the address. */
export function FilterForm() {
  const { query } = route.value;
  const value = (name: string) => query.get(name) ?? '';
  const isCustom = query.has('from') || query.has('to');
  const choosePeriod = (chosen: string) => {
    setQuery('last', chosen === CUSTOM ? '' : chosen);
    setQuery('from', chosen === CUSTOM ? new Date(Date.now() - 3_600_000).toISOString() : '');
    setQuery('to', '');
  };
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()}>
      <label>
        {t('filterState')}
        <select
          value={value('state')}
          onChange={({ currentTarget }) => setQuery('state', currentTarget.value)}
        >
          <option value="">{t('any')}</option>
          {jobStates.map((name) => (
            <option key={name} value={name}>
              {t(name)}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t('fileName')}
        <input
          type="search"
          value={value('name')}
          onInput={({ currentTarget }) => setQuery('name', currentTarget.value)}
        />
      </label>
      <Choice name="error" label={t('filterError')} known={jobs.value.map(({ error }) => error?.code)} />
      <Choice name="worker" label={t('worker')} known={jobs.value.map(({ worker }) => worker)} />
      <label>
        {t('filterTime')}
        <select
          value={isCustom ? CUSTOM : value('last')}
          onChange={({ currentTarget }) => choosePeriod(currentTarget.value)}
        >
          <option value="">{t('any')}</option>
          {periods.map((minutes) => (
            <option key={minutes} value={minutes}>
              {minutes < 120 ? t('lastMinutes', { n: minutes }) : t('lastHours', { n: minutes / 60 })}
            </option>
          ))}
          <option value={CUSTOM}>{t('fromTo')}</option>
        </select>
      </label>
      {isCustom && <TimeInput name="from" label={t('from')} />}
      {isCustom && <TimeInput name="to" label={t('to')} />}
    </form>
  );
}

/** A choice of the values that the known jobs have, and of the one in the address. */
function Choice(props: {
  readonly name: string;
  readonly label: string;
  readonly known: readonly (string | undefined)[];
}) {
  const { name, label, known } = props;
  const chosen = route.value.query.get(name) ?? '';
  const values = [...new Set([chosen, ...known])].filter((value) => value !== undefined && value !== '');
  return (
    <label>
      {label}
      <select value={chosen} onChange={({ currentTarget }) => setQuery(name, currentTarget.value)}>
        <option value="">{t('any')}</option>
        {values.sort().map((value) => (
          <option key={value}>{value}</option>
        ))}
      </select>
    </label>
  );
}

/** A time in the zone of the browser; in the address it is in UTC. */
function TimeInput({ name, label }: { readonly name: string; readonly label: string }) {
  const at = Date.parse(route.value.query.get(name) ?? '');
  const offsetMs = new Date(at).getTimezoneOffset() * 60_000;
  const local = Number.isNaN(at) ? '' : new Date(at - offsetMs).toISOString().slice(0, 16);
  return (
    <label>
      {label}
      <input
        type="datetime-local"
        value={local}
        onChange={({ currentTarget: { value } }) =>
          setQuery(name, value === '' ? '' : new Date(value).toISOString())
        }
      />
    </label>
  );
}
