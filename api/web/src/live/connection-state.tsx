import { useSignal } from '@preact/signals';
import { formatDuration, formatTime, t } from '../text/text.ts';
import { isTokenRefused, setToken, token } from '../token.ts';
import { connection } from './connection.ts';
import { clock } from './pipeline.ts';

/** Whether what is shown is live, or how old it is. */
export function ConnectionState() {
  const { state, since } = connection.value;
  // For a screen reader only the change of state is news, not each second.
  const age = state === 'offline' ? formatDuration(Math.max(0, clock.value - since)) : '';
  const text = {
    live: t('live'),
    connecting: t('connecting'),
    offline: t('offline', { time: formatTime(since) }),
    token: t('tokenNeeded'),
  }[state];
  return (
    <p class={`connection ${state}`}>
      <span role="status">{text}</span>
      {age !== '' && <span aria-hidden="true"> ({age})</span>}
    </p>
  );
}

/** Asks for the API token if events or a request require it. */
export function TokenForm() {
  const given = useSignal('');
  if (connection.value.state !== 'token' && !isTokenRefused.value) return null;
  return (
    <form
      class="card token"
      onSubmit={(event) => {
        event.preventDefault();
        setToken(given.value);
      }}
    >
      <p role="alert">{token.value === '' ? t('tokenAsk') : t('tokenWrong')}</p>
      <label>
        {t('token')}{' '}
        <input
          type="password"
          autocomplete="off"
          required
          value={given.value}
          onInput={({ currentTarget }) => (given.value = currentTarget.value)}
        />
      </label>{' '}
      <button>{t('tokenUse')}</button> <small>{t('tokenKept')}</small>
    </form>
  );
}
