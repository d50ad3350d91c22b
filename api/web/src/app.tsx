import { useEffect } from 'preact/hooks';
import type { PageSettings } from '../../page/page-routes.ts';
import { DeadLettersView } from './dead-letters/dead-letters-view.tsx';
import { JobsView } from './find/jobs-view.tsx';
import { JobView } from './journey/job-view.tsx';
import { LatestEvents } from './journey/latest-events.tsx';
import { JourneyMap } from './journey/journey-map.tsx';
import { Announcements } from './live/announcements.tsx';
import { ConnectionState, TokenForm } from './live/connection-state.tsx';
import { QueueView } from './queue/queue-view.tsx';
import { route } from './route.ts';
import { SendPanel } from './send/send-panel.tsx';
import { language, setLanguage, t, type Language } from './text/text.ts';

const views = [
  { path: '/', text: 'navJourney' },
  { path: '/queue', text: 'navQueue' },
  { path: '/jobs', text: 'navJobs' },
  { path: '/dead-letters', text: 'navDeadLetters' },
] as const;

export function App({ settings }: { readonly settings: PageSettings }) {
  const { path } = route.value;
  useEffect(() => void (document.title = t('title')), [language.value]);
  return (
    <>
      <a class="skip" href="#content" onClick={skipToContent}>
        {t('skip')}
      </a>
      <header>
        <h1>{t('title')}</h1>
        <nav>
          {views.map((view) => (
            <a href={`#${view.path}`} aria-current={view.path === path ? 'page' : undefined} key={view.path}>
              {t(view.text)}
            </a>
          ))}
          <a href="/docs">{t('navApi')}</a>
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

/** The address of the page is a route, so the link moves the focus itself. */
function skipToContent(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}
