import { signal } from '@preact/signals';
import type { ServerMessage } from '../../../../shared/contracts/websocket.ts';
import { updatePipeline } from './pipeline.ts';
import { forgetJobs, addEvent, addListed, isListed } from './job-store.ts';
import { listJobs } from '../api.ts';
import { token } from '../token.ts';

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
const SILENCE_MS = 8_000;

/** Whether events arrive, and since when they do or do not. */
export const connection = signal<{
  readonly state: 'connecting' | 'live' | 'offline' | 'token';
  readonly since: number;
}>({
  state: 'connecting',
  since: Date.now(),
});

function become(state: typeof connection.value.state): void {
  if (connection.value.state !== state) connection.value = { state, since: Date.now() };
}

let lastEventId: string | undefined;
let retryMs = FIRST_RETRY_MS;
let socket: WebSocket | undefined;

/**
 * Follows the events of all jobs. After a lost connection it resumes after the last event, so that none is missed or
 * shown twice; if that is too long ago, the service says so and the lists are read again.
 * @param url base URL of the notification service
 */
export function follow(url: string): void {
  socket?.close();
  if (connection.value.state === 'token') become('connecting');
  const opened = new WebSocket(`${url.replace(/\/$/, '')}/ws`);
  socket = opened;
  opened.addEventListener('open', () => {
    opened.send(
      JSON.stringify({
        type: 'subscribe',
        job_id: '*',
        pipeline: true,
        ...(lastEventId === undefined ? {} : { last_event_id: lastEventId }),
        ...(token.value === '' ? {} : { token: token.value }),
      }),
    );
    // A resumed subscription begins without a state.
    if (lastEventId !== undefined) isLive();
  });
  opened.addEventListener('message', ({ data }) => {
    restartWatchdog(opened);
    take(JSON.parse(String(data)) as ServerMessage);
  });
  opened.addEventListener('close', () => {
    if (socket !== opened) return;
    if (connection.value.state !== 'token') become('offline');
    setTimeout(
      () => {
        if (socket === opened) follow(url);
      },
      retryMs * (0.5 + Math.random()),
    );
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  });
}

let watchdog: ReturnType<typeof setTimeout> | undefined;

/** The service sends a message every second: silence means that the connection is dead, even if it was not closed. */
function restartWatchdog(watched: WebSocket): void {
  clearTimeout(watchdog);
  watchdog = setTimeout(() => {
    if (socket !== watched || connection.value.state !== 'live') return;
    become('offline');
    watched.close();
  }, SILENCE_MS);
}

function isLive(): void {
  retryMs = FIRST_RETRY_MS;
  become('live');
}

function take(message: ServerMessage): void {
  switch (message.type) {
    case 'event':
      lastEventId = message.event_id;
      addEvent(message.event);
      return;
    case 'pipeline':
      updatePipeline(message);
      return;
    case 'state':
      if (message.job_id !== '*') return;
      lastEventId = message.event_id ?? lastEventId;
      isLive();
      void readList(socket);
      return;
    case 'reset':
      lastEventId = undefined;
      forgetJobs();
      return;
    case 'error':
      if (message.code === 'token_required' || message.code === 'token_not_set') become('token');
      return;
    case 'unsubscribed':
      return;
  }
}

/** Pages of 1,000 jobs; the page remembers no more. */
const MAX_PAGES = 10;

/** Reads the newest jobs, which new events do not include. Retries while connected. */
async function readList(connected: WebSocket | undefined): Promise<void> {
  try {
    for await (const page of listJobs(MAX_PAGES)) addListed(page);
    isListed.value = true;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, LAST_RETRY_MS / 5));
    if (socket === connected) await readList(connected);
  }
}
