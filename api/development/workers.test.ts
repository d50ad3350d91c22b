import { expect, it } from 'vitest';
import { z } from 'zod';
import { TOKEN } from '../../testing/api-client.ts';
import { environmentOf } from '../../testing/create-service.ts';
import { ServiceProcess } from '../../testing/run-service.ts';
import { setUpSystem, type TestApi } from '../../testing/test-system.ts';
import { endOf, GOOD_IMAGE, uploadImage } from '../../testing/uploads.ts';

const system = setUpSystem({ lifetime: 'test' });
const authorized = { Authorization: `Bearer ${TOKEN}` };
const SOON = { timeout: 20_000 };

it('the message pipeline contains the state and the slots of each worker', async () => {
  const reports = await followWorkers();
  await system.startWorker({ WORKER_NAME: 'worker-10' });
  await system.startWorker({ WORKER_NAME: 'worker-2', MAX_CONCURRENT_JOBS: '3' });
  const state = { version: 1, state: 'consuming', jobs: 0, will_crash: false };
  await expect.poll(reports, SOON).toEqual([
    { worker: 'worker-2', slots: 3, ...state },
    { worker: 'worker-10', slots: 1, ...state },
  ]);
});

it('a paused worker leaves jobs in the queue until it is resumed', async () => {
  const api = await system.startApi({ API_TOKEN: TOKEN });
  const reports = await followWorkers();
  await system.startWorker();
  expect(await command(api, 'worker-1', 'pause')).toBe(202);
  await expect.poll(reports, SOON).toMatchObject([{ state: 'paused' }]);
  const id = await uploadImage(api, GOOD_IMAGE);
  expect((await api.ask(`/status/${id}?wait=1`)).json).toMatchObject({ status: 'queued' });
  expect(await command(api, 'worker-1', 'resume')).toBe(202);
  expect((await endOf(api, id)).status).toBe('completed');
  await expect.poll(reports, SOON).toMatchObject([{ state: 'consuming' }]);
});

it('a job whose decoder crashes is retried, and only once', async () => {
  const api = await system.startApi({ API_TOKEN: TOKEN });
  const reports = await followWorkers();
  await system.startWorker();
  expect(await command(api, 'worker-1', 'crash')).toBe(202);
  await expect.poll(reports, SOON).toMatchObject([{ will_crash: true }]);
  const id = await uploadImage(api, GOOD_IMAGE);
  expect((await endOf(api, id)).status).toBe('completed');
  const { timeline } = timelineSchema.parse((await api.ask(`/status/${id}`)).json);
  expect(timeline).toMatchObject([
    { state: 'queued' },
    { state: 'processing' },
    { state: 'retrying', error: { code: 'engine_crashed' } },
    { state: 'processing' },
    { state: 'completed' },
  ]);
});

it.each([
  ['stop', { code: 0, signal: null }],
  ['kill', { code: null, signal: 'SIGKILL' }],
] as const)('%s ends the process of a worker, which is then no longer listed', async (name, end) => {
  const api = await system.startApi({ API_TOKEN: TOKEN });
  const reports = await followWorkers();
  const worker = new ServiceProcess('worker', environmentOf('worker', system));
  await expect.poll(reports, SOON).toMatchObject([{ state: 'consuming' }]);
  const exited = new Promise((resolve) =>
    worker.child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  expect(await command(api, 'worker-1', name)).toBe(202);
  expect(await exited).toEqual(end);
  await expect.poll(reports, SOON).toEqual([]);
});

it('refuses a command to a worker that is not running, and goes on accepting uploads', async () => {
  const api = await system.startApi({ API_TOKEN: TOKEN });
  for (let count = 0; count < 5; count++) expect(await command(api, 'worker-9', 'kill')).toBe(404);
  await uploadImage(api, GOOD_IMAGE);
});

it('requires the token, and a known command', async () => {
  const api = await system.startApi({ API_TOKEN: TOKEN });
  expect((await api.ask('/development/commands', { method: 'POST', body: '{}' })).status).toBe(401);
  expect(await command(api, 'worker-1', 'explode')).toBe(422);
});

it('does not exist in production, where workers accept no command either', async () => {
  const production = {
    NODE_ENV: 'production',
    API_TOKEN: TOKEN,
    RABBITMQ_URL: await system.urlOfOwnUser(),
  };
  const api = await system.startApi(production);
  await system.startWorker(production);
  const { url } = api;
  const order = { method: 'POST', headers: authorized, body: '{"worker":"worker-1","command":"kill"}' };
  expect((await fetch(`${url}/development/commands`, order)).status).toBe(404);
  expect(JSON.stringify((await api.ask('/openapi.json')).json)).not.toContain('/development/');
  const development = await system.startApi({ API_TOKEN: TOKEN });
  expect(await command(development, 'worker-1', 'pause')).toBe(404);
});

const timelineSchema = z.object({ timeline: z.array(z.unknown()) });

/** The newest reports of the workers that a page has received. */
async function followWorkers() {
  const client = await system.connect(await system.startNotification());
  client.say({ type: 'subscribe', job_id: '*', pipeline: true });
  return () => client.received.findLast((message) => message.type === 'pipeline')?.workers;
}

async function command(api: TestApi, worker: string, name: string): Promise<number> {
  const body = JSON.stringify({ worker, command: name });
  return (await api.ask('/development/commands', { method: 'POST', headers: authorized, body })).status;
}
