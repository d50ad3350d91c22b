import { signal } from '@preact/signals';
import { problemIn } from '../api.ts';
import { keepPicture } from '../live/pictures.ts';
import { explain } from '../text/explain.ts';
import { t } from '../text/text.ts';
import type { Draft } from './operation-forms.ts';

/** Uploads at the same time; the rest waits. */
const AT_ONCE = 4;

export interface Upload {
  readonly number: number;
  readonly name: string;
  readonly state: 'waiting' | 'sending' | 'accepted' | 'refused';
  /** 0 to 1 */
  readonly progress: number;
  readonly jobId?: string;
  readonly reason?: string;
}

/** The uploads of this page, newest first. */
export const uploads = signal<readonly Upload[]>([]);

const waiting: (() => Promise<void>)[] = [];
let sending = 0;
let count = 0;

/** Uploads each file in a request of its own, so that each has its progress and its response. */
export function uploadFiles(files: readonly File[], operations: readonly Draft[]): void {
  for (const file of files) {
    const number = ++count;
    uploads.value = [{ number, name: file.name, state: 'waiting', progress: 0 }, ...uploads.value];
    waiting.push(() => send(number, file, operations));
  }
  next();
}

function next(): void {
  while (sending < AT_ONCE) {
    const start = waiting.shift();
    if (start === undefined) return;
    sending++;
    void start().finally(() => {
      sending--;
      next();
    });
  }
}

function update(number: number, change: Partial<Upload>): void {
  uploads.value = uploads.value.map((upload) =>
    upload.number === number ? { ...upload, ...change } : upload,
  );
}

async function send(number: number, file: File, operations: readonly Draft[]): Promise<void> {
  update(number, { state: 'sending' });
  try {
    const jobId = await post(file, operations, (progress) => update(number, { progress }));
    keepPicture(jobId, file);
    update(number, { state: 'accepted', progress: 1, jobId });
  } catch (error) {
    update(number, { state: 'refused', reason: explain(error) });
  }
}

/** `fetch` does not report the progress of an upload, so this is an XMLHttpRequest. */
function post(
  file: File,
  operations: readonly Draft[],
  onProgress: (share: number) => void,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append('operations', JSON.stringify(operations));
    form.append('file', file);
    const request = new XMLHttpRequest();
    request.upload.addEventListener('progress', ({ loaded, total }) =>
      onProgress(loaded / Math.max(total, 1)),
    );
    request.addEventListener('load', () => {
      if (request.status === 202) resolve((JSON.parse(request.responseText) as { job_id: string }).job_id);
      else reject(problemIn(request.status, request.responseText));
    });
    request.addEventListener('error', () => reject(new Error(t('unreachable'))));
    request.open('POST', '/upload');
    request.send(form);
  });
}
