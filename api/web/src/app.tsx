import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { timelineEntryOf } from '../../../shared/contracts/job-order.ts';
import type { PageSettings } from '../../page/page-routes.ts';
import { BreakView } from './break/break-view.tsx';
import { ConfirmDialog } from './confirm.tsx';
import { updateDeadLetters } from './dead-letters/dead-letter-store.ts';
import { DeadLettersView } from './dead-letters/dead-letters-view.tsx';
import { JobsView } from './find/jobs-view.tsx';
import { JobView } from './journey/job-view.tsx';
import { StateName } from './journey/labels.tsx';
import { JourneyMap } from './journey/journey-map.tsx';
import { onWorker } from './journey/progress-text.ts';
import { jobs, recentEvents } from './live/job-store.ts';
import { connection } from './live/connection.ts';
import { ConnectionState, TokenForm } from './live/connection-state.tsx';
import { QueueView } from './queue/queue-view.tsx';
import { jobLink, route } from './route.ts';
import { SendPanel } from './send/send-panel.tsx';
import { formatTime, language, setLanguage, t, type Language } from './text/text.ts';

const views = [
  { path: '/', text: 'navJourney' },
  { path: '/queue', text: 'navQueue' },
  { path: '/jobs', text: 'navJobs' },
  { path: '/dead-letters', text: 'navDeadLetters' },
  { path: '/break', text: 'navBreak' },
] as const;

/** Production has no routes to break a worker. */
function viewsOf({ is_production: isProduction }: PageSettings) {
  return views.filter(({ path }) => !(isProduction && path === '/break'));
}

export function App({ settings }: { readonly settings: PageSettings }) {
  const { path } = route.value;
  useEffect(() => void (document.title = t('title')), [language.value]);
  // For the drawing, which shows failed jobs until they are discarded. Their own view says what is wrong.
  const isLive = connection.value.state === 'live';
  useEffect(() => {
    if (isLive) updateDeadLetters().catch(() => undefined);
  }, [isLive]);
  return (
    <>
      <a class="skip" href="#content" onClick={skipToContent}>
        {t('skip')}
      </a>
      <header>
        <h1>{t('title')}</h1>
        <nav>
          {viewsOf(settings).map((view) => (
            <a href={`#${view.path}`} aria-current={view.path === path ? 'page' : undefined} key={view.path}>
              {t(view.text)}
            </a>
          ))}
        </nav>
        <ConnectionState />
        <label class="language">
          <span class="hidden">{t('language')}</span>
          <select
            value={language.value}
            onChange={({ currentTarget }) => setLanguage(currentTarget.value as Language)}
          >
            <option value="en">English</option>
            <option value="ru">Русский</option>
          </select>
        </label>
      </header>
      <Announcements />
      <main id="content" tabIndex={-1}>
        <TokenForm />
        <View path={path} settings={settings} />
      </main>
      <Tools settings={settings} />
      <ConfirmDialog />
    </>
  );
}

function View({ path, settings }: { readonly path: string; readonly settings: PageSettings }) {
  const [, view, id] = path.split('/');
  if (view === 'jobs' && id !== undefined && id !== '')
    return <JobView id={id} key={id} settings={settings} />;
  if (view === 'jobs') return <JobsView />;
  if (view === 'queue') return <QueueView />;
  if (view === 'dead-letters') return <DeadLettersView />;
  if (view === 'break' && !settings.is_production) return <BreakView />;
  return (
    <div class="home">
      <SendPanel />
      <div class="stack">
        <JourneyMap settings={settings} />
        <LatestEvents />
      </div>
    </div>
  );
}

const SHOWN_EVENTS = 8;

/** The newest events that the page received, newest first. */
function LatestEvents() {
  // The list of jobs changes with each event.
  if (jobs.value.length === 0 || recentEvents.length === 0) return null;
  return (
    <section class="card" aria-labelledby="events">
      <h2 id="events">{t('latestEvents')}</h2>
      <ol class="events">
        {recentEvents.slice(0, SHOWN_EVENTS).map(({ event }) => {
          const { state, worker, slot } = timelineEntryOf(event);
          const { job_id: id, request } = event.data;
          return (
            <li key={`${event.id} ${event.time}`}>
              <time dateTime={event.time}>{formatTime(event.time)}</time>
              <a href={jobLink(id)}>{request.original.name}</a>
              <span>
                <StateName state={state} /> {worker !== undefined && onWorker(worker, slot)}
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

/** At most one announcement in this time, so that a screen reader can keep up. */
const EVERY_MS = 5_000;

/** Announces to screen readers how many images ended, however many events arrive. */
function Announcements() {
  const text = useSignal('');
  useEffect(() => {
    let since = Date.now();
    const timer = setInterval(() => {
      const ended = (type: string) =>
        recentEvents.filter(({ event, at }) => at >= since && event.type === type).length;
      const [done, failed] = [ended('job.completed'), ended('job.failed')];
      since = Date.now();
      if (done + failed === 0) return;
      text.value = [
        ...(done > 0 ? [t('announceDone', { n: done })] : []),
        ...(failed > 0 ? [t('announceFailed', { n: failed })] : []),
      ].join('. ');
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="hidden" aria-live="polite">
      {text}
    </div>
  );
}

/** Links to the other user interfaces. Their ports are open to this machine only, so elsewhere there is no link. */
function Tools({ settings: { tools } }: { readonly settings: PageSettings }) {
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);
  const known = [
    { name: t('toolRabbitmq'), port: tools.rabbitmq },
    { name: 'Grafana', port: tools.grafana },
    { name: t('toolMinio'), port: tools.minio_console },
  ];
  return (
    <footer>
      <a href="/docs">{t('navApi')}</a>
      {isLocal &&
        known.map(({ name, port }) =>
          port === null ? (
            <span key={name}>{t('toolAbsent', { name })}</span>
          ) : (
            <a key={name} href={`http://${location.hostname}:${port}`}>
              {name}
            </a>
          ),
        )}
    </footer>
  );
}

/** The address of the page is a route, so the link moves the focus itself. */
function skipToContent(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}
