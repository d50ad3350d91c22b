import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { until } from '../recovery-time.ts';
import { uploadOver } from '../run-schedule.ts';
import { mustHold, type Scenario } from '../scenario.ts';

const CROWD = 900;
const JOBS = 40;
const GOAL_MS = 15_000;

/** The service takes 1,000 connections of one address: the crowd, the subscriber that must not notice, and these. */
export const hostileSockets: Scenario = {
  name: 'hostile-sockets',
  fault: '900 WebSocket clients reconnect at once, others send garbage or never read, under load',
  async run({ system, client, subscriber, draw }) {
    const { notification, notificationUrl } = system.services;
    const uploads = uploadOver(client, JOBS, 10, draw);
    const deaf = Array.from({ length: 20 }, () => new WebSocket(`${notificationUrl}/ws?job_id=*`));
    for (const socket of deaf) socket.on('error', () => undefined).on('open', () => socket.pause());
    const rude = await Promise.all(Array.from({ length: 20 }, () => sayGarbage(notification.port)));
    const first = await crowd(notificationUrl);
    for (const socket of first) socket.terminate();
    const since = performance.now();
    const second = await crowd(notificationUrl);
    const ms = performance.now() - since;
    const refused = second.filter(({ readyState }) => readyState !== WebSocket.OPEN).length;
    await uploads;
    for (const socket of [...second, ...deaf]) socket.terminate();
    mustHold(refused === 0, `${refused} of ${CROWD} clients were not let in again`);
    mustHold(rude.every(Boolean), 'a client that sends garbage was kept');
    mustHold(subscriber.connections === 1, 'the subscriber lost its connection');
    return { recoveries: [{ what: `${CROWD} reconnected`, ms, goalMs: GOAL_MS }] };
  },
};

async function crowd(url: string): Promise<WebSocket[]> {
  const sockets = Array.from({ length: CROWD }, () => {
    const socket = new WebSocket(`${url}/ws?job_id=${NO_JOB}`);
    return socket.on('error', () => undefined);
  });
  await until(
    () => sockets.every(({ readyState }) => readyState !== WebSocket.CONNECTING),
    'every client has its answer',
  );
  return sockets;
}

/** Well-formed, and no job has it. */
const NO_JOB = '00000000-0000-7000-8000-000000000000';

/** @returns whether the service ended the connection */
async function sayGarbage(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await once(socket, 'data');
  // Reserved bits and an unknown opcode, a length that lies.
  socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1]));
  socket.resume();
  const closed = once(socket, 'close', { signal: AbortSignal.timeout(10_000) });
  return closed.then(
    () => true,
    () => false,
  );
}
