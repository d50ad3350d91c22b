import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { exchangeNames, jobQueueNames, routingKeys } from '@image-pipeline/shared/broker/topology.ts';
import { jobRequestSchema } from '@image-pipeline/shared/contracts/job.ts';
import { requestKey } from '@image-pipeline/shared/store/keys.ts';
import { readJson } from '@image-pipeline/shared/store/read-object.ts';
import { connect } from 'amqplib';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { slowImage, smallImages } from '../chaos-image.ts';
import { mustHold, until, uploadOver, type Scenario, type ScenarioContext } from '../scenario.ts';

const listSchema = z.object({
  messages: z.array(z.object({ error: z.object({ code: z.string(), reason: z.string() }) })),
});

const poison = (): readonly { readonly body: string; readonly reason: RegExp }[] => {
  const mark = crypto.randomUUID();
  return [
    { body: `not JSON ${mark}`, reason: /not JSON/ },
    { body: JSON.stringify({ version: 99, mark }), reason: /version/ },
    { body: JSON.stringify([mark]), reason: /must be a JSON object/ },
  ];
};

export const poisonMessages: Scenario = {
  name: 'poison-messages',
  fault: 'malformed job messages (invalid JSON, unknown version) become dead letters with a reason',
  async run(context) {
    const { client } = context;
    const bodies = poison();
    const before = await invalidJobs(context);
    const uploads = Promise.all(smallImages.map((image) => client.upload(image)));
    await publish(
      context,
      bodies.map(({ body }) => body),
    );
    await uploads;
    await until(async () => {
      const reasons = await invalidJobs(context);
      const isShown = bodies.every(({ reason }) => reasons.some((text) => reason.test(text)));
      return isShown && reasons.length >= before.length + bodies.length;
    }, 'GET /dlq/messages shows each of them with its reason');
    return {};
  },
};

/** Duplicates of jobs in the queue, in progress, and ended. */
export const duplicateDelivery: Scenario = {
  name: 'duplicate-delivery',
  fault: 'every job message is published three more times, early and late',
  async run(context) {
    const { client } = context;
    const images = [...smallImages, slowImage, slowImage];
    const jobIds = (await Promise.all(images.map((image) => client.upload(image)))).filter(
      (jobId) => jobId !== undefined,
    );
    await publishAgain(context, jobIds);
    await publishAgain(context, jobIds);
    await until(
      async () => (await context.system.broker.queues()).every(isIdle),
      'the queue of jobs is empty',
    );
    await publishAgain(context, jobIds);
    return {};
  },
};

async function publishAgain(context: ScenarioContext, jobIds: readonly string[]): Promise<void> {
  const { direct } = context.system.store;
  const requests = await Promise.all(
    jobIds.map((jobId) => readJson(direct, requestKey(jobId, 1), jobRequestSchema)),
  );
  await publish(
    context,
    requests.map((request) => JSON.stringify({ ...request, history: [] })),
  );
}

async function publish({ system }: ScenarioContext, bodies: readonly string[]): Promise<void> {
  const connection = await connect(system.broker.directUrl);
  try {
    const channel = await connection.createConfirmChannel();
    for (const body of bodies) {
      channel.publish(exchangeNames.jobs, routingKeys.process, Buffer.from(body), { persistent: true });
    }
    await channel.waitForConfirms();
  } finally {
    await connection.close();
  }
}

async function invalidJobs({ system }: ScenarioContext): Promise<string[]> {
  const response = await fetch(`${system.services.apiUrl}/dlq/messages?limit=1000`);
  const { messages } = listSchema.parse(await response.json());
  return messages.flatMap(({ error }) => (error.code === 'invalid_job' ? [error.reason] : []));
}

function isIdle({ name, ready, unacked }: { name: string; ready: number; unacked: number }): boolean {
  return !jobQueueNames.includes(name) || ready + unacked === 0;
}

const CLIENTS = 900;
const GOAL_MS = 15_000;

/** The service allows 1,000 connections per address: 900 clients, the subscriber, which must not be affected, and 40 more. */
export const hostileSockets: Scenario = {
  name: 'hostile-sockets',
  fault: '900 WebSocket clients reconnect at once, others send garbage or never read, under load',
  async run({ system, client, subscriber, draw }) {
    const { notification, notificationUrl } = system.services;
    const uploads = uploadOver(client, 40, 10, draw);
    const notReading = Array.from({ length: 20 }, () => new WebSocket(`${notificationUrl}/ws?job_id=*`));
    for (const socket of notReading) socket.on('error', () => undefined).on('open', () => socket.pause());
    const garbage = await Promise.all(Array.from({ length: 20 }, () => sendGarbage(notification.port)));
    const first = await connectClients(notificationUrl);
    for (const socket of first) socket.terminate();
    const since = performance.now();
    const second = await connectClients(notificationUrl);
    const ms = performance.now() - since;
    const refused = second.filter(({ readyState }) => readyState !== WebSocket.OPEN).length;
    await uploads;
    for (const socket of [...second, ...notReading]) socket.terminate();
    mustHold(refused === 0, `${refused} of ${CLIENTS} clients could not reconnect`);
    mustHold(garbage.every(Boolean), 'a client that sends garbage was not disconnected');
    mustHold(subscriber.connections === 1, 'the subscriber lost its connection');
    return { recoveries: [{ what: `${CLIENTS} reconnected`, ms, goalMs: GOAL_MS }] };
  },
};

async function connectClients(url: string): Promise<WebSocket[]> {
  const sockets = Array.from({ length: CLIENTS }, () => {
    const socket = new WebSocket(`${url}/ws?job_id=${NO_JOB}`);
    return socket.on('error', () => undefined);
  });
  await until(
    () => sockets.every(({ readyState }) => readyState !== WebSocket.CONNECTING),
    'every client has a response',
  );
  return sockets;
}

/** A valid id of no job. */
const NO_JOB = '00000000-0000-7000-8000-000000000000';

/** @returns whether the service closed the connection */
async function sendGarbage(port: number): Promise<boolean> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    'GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await once(socket, 'data');
  // Reserved bits, an unknown opcode, and a wrong length.
  socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1]));
  socket.resume();
  const closed = once(socket, 'close', { signal: AbortSignal.timeout(10_000) });
  return closed.then(
    () => true,
    () => false,
  );
}
