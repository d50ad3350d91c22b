import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { t } from '../text/text.ts';
import { recentEvents } from './job-store.ts';

/** At most one announcement in this time, so that a screen reader can keep up. */
const EVERY_MS = 5_000;

/** Tells a screen reader how many images ended, however many events arrive. */
export function Announcements() {
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
