import { signal } from '@preact/signals';
import type { JobForecast, PipelineMessage } from '../../../../shared/contracts/websocket.ts';

interface Received {
  readonly message: PipelineMessage;
  readonly forecasts: ReadonlyMap<string, JobForecast>;
}

/** The newest message about the whole pipeline; undefined before the first one. */
export const pipeline = signal<Received | undefined>(undefined);

/** The time of the services in milliseconds since 1970, once a second: the clock of this machine may differ. */
export const clock = signal(Date.now());

let ahead = 0;

export function updatePipeline(message: PipelineMessage): void {
  ahead = Date.parse(message.at) - Date.now();
  pipeline.value = { message, forecasts: new Map(message.forecasts.map((one) => [one.job_id, one])) };
  clock.value = serverTime();
}

/** Now, in milliseconds since 1970, by the clock of the services. */
function serverTime(): number {
  return Date.now() + ahead;
}

setInterval(() => (clock.value = serverTime()), 1_000);
